# SPDX-License-Identifier: Apache-2.0
"""The text inside an evidence pack, for a person who has nothing else."""

from datetime import datetime
from typing import Final

from keys.clock import format_instant
from keys.digest import Digest

_TEXT: Final = """\
# Evidence pack of workspace {name}

Exported {at}. This file is a tar archive. It holds everything that the workspace
{workspace}
ever signed and published, so that somebody who trusts neither its operators nor
their servers can check, without a network, which policy rules were enforced at any
past instant, and who made each rule so.

## What you must bring yourself

Two things that must not come from this file, because whoever altered the file would
have altered them too:

1. `1.root.json`, the workspace's first root metadata. Its SHA-256 must be
   {workspace}
   as you were told it by somebody other than the sender of this file.
   If the workspace was made sovereign later, you may bring the root that made it so
   instead: what is older is then shown, and not relied on.
2. `log.pub`, the public key of the workspace's log.

## How to check

    trustacks audit replay <this file> --root 1.root.json --log-key log.pub

Exit status 0: every recorded outcome was computed again and is the same. 1: something
is not as recorded; the findings say what, with a code each. `--at INSTANT` asks what
was enforced at that instant.

## What is inside

- `manifest.json`: the format's version, and the SHA-256 of every file.
- `log/`: a Merkle tree (RFC 6962) in tiles (C2SP tlog-tiles), with its signed
  checkpoint (C2SP tlog-checkpoint). The leaves are under `log/tile/entries/`.
- `attestations/`: what each leaf stands for, a Sigstore bundle with one signed
  in-toto statement. The name is the SHA-256 of the signed bytes (DSSE PAE).
- `metadata/`: every version of the TUF metadata, which says who may sign what.
- `targets/`: what that metadata names: trust policies, constitution, packs, and the
  released policy bundles with their attestations.
- `chain/`: the release attestations, first to last.

## Without our program

Every part is a public format. `tar` unpacks the file; any TUF library verifies
`metadata/` and `targets/`; any reader of C2SP tiles verifies `log/`;
`cosign verify-blob-attestation --key` verifies a file under `attestations/`; `opa`
evaluates an unpacked policy bundle.
"""


def readme(*, name: str, workspace: Digest, at: datetime) -> str:
    """Return the README of one pack."""
    return _TEXT.format(name=name, workspace=workspace, at=format_instant(at))
