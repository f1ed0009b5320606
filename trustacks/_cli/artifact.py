# SPDX-License-Identifier: Apache-2.0
"""``trustacks sign`` and ``verify`` by a pin: an identity vouches for a file.

What is signed is an ``artifact/v1`` statement about the file's digest, never the bytes
as such. Verifying opens no connection: it uses what the last login or refresh pinned.
"""

from dataclasses import dataclass
from pathlib import Path

import click

from keys.durable import read_file
from keys.errors import NotFoundError
from signer.attestation import parse_attestation
from signer.limits import MAX_ATTESTATION_BYTES
from signer.predicates.artifact import ArtifactPredicate
from signer.statement import Subject, build_statement
from signer.trust import Expected
from signer.verify import verify_attestation
from trustacks._cli.connect import open_client, open_pinned
from trustacks._cli.files import read_given
from trustacks._cli.hashed import digest_of
from trustacks._cli.oidc_options import Asked
from trustacks._cli.session import Session
from trustacks._cli.shown import statement_text
from trustacks._cli.signatory import open_signatory

_FILE = click.Path(path_type=Path)


@dataclass(frozen=True, slots=True)
class Signed:
    """A file that was signed.

    Attributes:
        raw: The attestation.
        value: What ``--json`` says besides.
        identity: Who signed.
    """

    raw: bytes
    value: dict[str, str]
    identity: str


def sign_pinned(
    session: Session, file: Path, options: Asked, *, workspace: str | None
) -> Signed:
    """Return the attestation of a file by an identity of the pinned workspace.

    Raises:
        TrustacksError: Nobody who is registered, or what came back does not hold.
    """
    digest = digest_of(file)
    login, at = session.login(workspace), session.clock()
    pinned = open_pinned(session, login).refresh(at=at)
    signatory = open_signatory(session, options, login, pinned)
    identity = signatory.identity(pinned.trust)
    predicate = ArtifactPredicate(
        workspace=pinned.view.workspace, identity=identity.id, signed_at=at
    )
    statement = build_statement([Subject(file.name, digest)], predicate)
    session.output.say(statement_text(statement))
    api = open_client(session, login).workspace(login.workspace)
    raw = signatory.attest(statement, api=api, trust=pinned.trust)
    expected = Expected(ArtifactPredicate.type, (digest,))
    verify_attestation(
        raw, trust=pinned.trust, expected=expected, at=session.clock()
    ).require()
    said = parse_attestation(raw).digest
    value = {"digest": str(digest), "statement": str(said), "identity": identity.id}
    return Signed(raw, value, identity.id)


def verify_pinned(
    session: Session, file: Path, *, attestation: Path | None, workspace: str | None
) -> None:
    """Verify the attestation of a file, offline, against what is pinned.

    Raises:
        TrustacksError: It does not hold.
    """
    login, at = session.login(workspace), session.clock()
    digest = digest_of(file)
    raw = _attestation(file, attestation)
    pinned = open_pinned(session, login).cached(at=at)
    expected = Expected(ArtifactPredicate.type, (digest,))
    result = verify_attestation(
        raw, trust=pinned.trust, expected=expected, at=at
    ).result
    color = session.output.color
    session.output.result(result.to_json(), lambda: result.text(color=color))
    result.require()


def _attestation(file: Path, named: Path | None) -> bytes:
    """Read the attestation of a file; that nobody signed it is no misuse.

    Raises:
        FileMissingError: None is where the command line says.
        NotFoundError: None is beside the file.
    """
    if named is not None:
        return read_given(named, max_bytes=MAX_ATTESTATION_BYTES)
    try:
        return read_file(beside(file), max_bytes=MAX_ATTESTATION_BYTES)
    except NotFoundError as error:
        raise NotFoundError(
            f"expected an attestation at {beside(file)}, got none",
            hint="trustacks sign FILE makes one; --attestation names another place",
        ) from error


def beside(file: Path) -> Path:
    """Return where the attestation of a file is, unless it is said."""
    return file.with_name(f"{file.name}.sigstore.json")
