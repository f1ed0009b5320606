# SPDX-License-Identifier: Apache-2.0
"""``trustacks bundle export``: the newest release as files for other tools.

``bundle.tar.gz``, ``attestations.sigstore.jsonl`` as Runners get it, and
``bundle.intoto.jsonl``: every statement about bundle and rules as one DSSE envelope per
line, which in-toto calls an attestation bundle. Those of the release were verified
here; what else the log has about them is added as it was logged.

Order of writes: the two files that are verified, then the third.
"""

from collections.abc import Iterator
from pathlib import Path

import click

from bundle.gate.candidate import attestations_target, bundle_target
from bundle.limits import BUNDLE_BOUNDS, MAX_TARGET_BYTES
from keys.digest import Digest
from keys.durable import make_directory
from keys.strict import dumps_json
from signer.attestation import Attestation, parse_attestation, parse_jsonl
from trustacks._cli.connect import open_client, open_pinned
from trustacks._cli.files import refuse_existing, write_new
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.session import Session
from trustacks.client import WorkspaceApi
from trustacks.finding import attestations_about
from trustacks.pinned import Head
from trustacks.release_errors import NothingReleasedError


@command("export")
@click.argument("directory", type=click.Path(path_type=Path))
@workspace_option
def export(session: Session, *, directory: Path, workspace: str | None) -> None:
    """Write the newest release, and every attestation about it, into DIRECTORY."""
    names = ("bundle.tar.gz", "attestations.sigstore.jsonl", "bundle.intoto.jsonl")
    paths = {name: directory / name for name in names}
    for path in paths.values():
        refuse_existing(path)
    login, at = session.login(workspace), session.clock()
    pinned = open_pinned(session, login).refresh(at=at)
    head = pinned.head(at=at)
    if head is None:
        raise NothingReleasedError("expected a published release, got none")
    revision, fetched = head.release.revision, pinned.fetched
    bundle = fetched.target(bundle_target(revision), max_bytes=BUNDLE_BOUNDS.max_bytes)
    lines = fetched.target(attestations_target(revision), max_bytes=MAX_TARGET_BYTES)
    api = open_client(session, login).workspace(login.workspace)
    with session.output.progress("reading attestations"):
        envelopes = list(_envelopes(api, lines, head, Digest.of(bundle)))
    make_directory(directory)
    write_new(paths["bundle.tar.gz"], bundle)
    write_new(paths["attestations.sigstore.jsonl"], lines)
    write_new(paths["bundle.intoto.jsonl"], b"".join(one + b"\n" for one in envelopes))
    value = {
        "revision": revision,
        "archive": str(Digest.of(bundle)),
        "statements": len(envelopes),
        "files": [str(path) for path in paths.values()],
    }
    session.output.result(
        value,
        lambda: f"revision {revision}, {len(envelopes)} statements: {directory}",
    )


def _envelopes(
    api: WorkspaceApi, lines: bytes, head: Head, archive: Digest
) -> Iterator[bytes]:
    """Yield each envelope once: the release's first, then what the log has besides."""
    seen: set[bytes] = set()
    for one in _every(api, lines, head, archive):
        envelope = dumps_json(one.envelope.to_json())
        if envelope not in seen:
            seen.add(envelope)
            yield envelope


def _every(
    api: WorkspaceApi, lines: bytes, head: Head, archive: Digest
) -> Iterator[Attestation]:
    yield from map(parse_attestation, parse_jsonl(lines))
    for subject in (archive, *(item.rule for item in head.release.inventory)):
        yield from attestations_about(api, subject)
