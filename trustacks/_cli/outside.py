# SPDX-License-Identifier: Apache-2.0
"""Signs outside of every workspace: for stock verifiers of Sigstore bundles.

With a key, or as the subject of a certificate; before the witnesses of an instance, or,
with a key, before none (``--bare``). What is signed is shown first, and as whom.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keys.digest import Digest
from keys.errors import UsageError
from keys.signing import SigningKey
from signer.keyless.errors import KeyOfWorkspaceError
from signer.keyless.file import HEAD_BYTES
from signer.keyless.keyed import KeyedSigner
from signer.keyless.signatory import CertifiedSigner
from signer.trusted_root import TrustedRoot
from trustacks._cli.files import read_given
from trustacks._cli.hashed import read_head
from trustacks._cli.instance import Instance
from trustacks._cli.keyring import open_key
from trustacks._cli.session import Session

# Bytes. A key signs the bytes of a file, which are read whole.
_MAX_FILE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Outside:
    """Who signs, and before whom.

    Attributes:
        session: The command's.
        instance: The witnesses' instance.
        key: The key; none if an identity signs.
        bare: Whether nobody is to see the signature.
    """

    session: Session
    instance: Instance
    key: SigningKey | None
    bare: bool

    @classmethod
    def open(cls, session: Session, instance: Instance, *, bare: bool) -> "Outside":
        """Open what the options say.

        Raises:
            UsageError: Options that contradict each other.
            KeyOfWorkspaceError: A key that has a purpose in a workspace.
        """
        asked = instance.asked
        asked.require_one_signer()
        if bare and (asked.keyless or asked.trusted_root or asked.signing_config):
            raise UsageError(
                "expected --bare with a key alone, got an instance or an identity",
                hint="a certificate lives for minutes: somebody must say when",
            )
        if asked.keyless:
            return cls(session, instance, None, bare)
        opened = open_key(session, asked.key)
        _require_no_other_purpose(session, opened)
        return cls(session, instance, opened, bare)

    def sign_file(self, file: Path) -> tuple[bytes, dict[str, Any]]:
        """Return the bundle of a file, and what of it was signed, by whom.

        The file is read once: a login takes minutes, in which it may become another.
        """
        if self.key is None:
            head, digest = read_head(file, HEAD_BYTES)
            self._show(file, digest)
            signer = self._certified()
            witnesses = self.instance.witnesses(self.session.clock())
            raw = signer.sign_file(head, digest, witnesses)
            return raw, {"digest": str(digest), **_who(signer)}
        data = read_given(file, max_bytes=_MAX_FILE_BYTES)
        digest = Digest.of(data)
        self._show(file, digest)
        raw = self._keyed(self.key).sign_file(data)
        return raw, {"digest": str(digest), "key_id": self._key_id}

    def _show(self, file: Path, digest: Digest) -> None:
        self.session.output.say(f"signing the file {file.name}  {digest}")

    def sign_statement(self, statement: bytes) -> tuple[bytes, dict[str, Any]]:
        """Return the bundle of a statement, and who signed it."""
        if self.key is None:
            signer = self._certified()
            witnesses = self.instance.witnesses(self.session.clock())
            return signer.sign_statement(statement, witnesses), _who(signer)
        raw = self._keyed(self.key).sign_statement(statement)
        return raw, {"key_id": self._key_id}

    @property
    def _key_id(self) -> str | None:
        return self.key.public_key.key_id if self.key else None

    def _keyed(self, key: SigningKey) -> KeyedSigner:
        self.session.output.say(f"as key {key.public_key.key_id}")
        if self.bare:
            return KeyedSigner(key)
        return KeyedSigner(
            key,
            self.instance.witnesses(self.session.clock()),
            TrustedRoot.parse(self.instance.trusted_root),
        )

    def _certified(self) -> CertifiedSigner:
        signer = self.instance.signer(self.instance.trusted_root)
        leaf = signer.leaf
        self.session.output.say(f"as {leaf.subject} of {leaf.issuer}")
        return signer


def _who(signer: CertifiedSigner) -> dict[str, Any]:
    return {"issuer": signer.leaf.issuer, "subject": signer.leaf.subject}


def _require_no_other_purpose(session: Session, key: SigningKey) -> None:
    """Refuse a key that a pinned workspace knows (DESIGN 9: one key, one purpose).

    A signature of a file would else be one of whatever the file says; the key of an
    identity signs what the commands of its workspace build.
    """
    if not session.config.logins:
        return
    # Not above: it brings TUF, which a person without a workspace needs not wait for.
    from trustacks._cli.pin import open_pinned  # noqa: PLC0415 - loaded when asked for

    key_id = key.public_key.key_id
    for login in session.config.logins.values():
        pinned = open_pinned(session, login).cached(at=session.clock())
        if key_id in pinned.trust.key_ids | pinned.view.role_keys.keys():
            raise KeyOfWorkspaceError(
                f"expected a key of its own, got one with a purpose in "
                f"{login.workspace}",
                hint="in the workspace: trustacks sign FILE, without --trusted-root",
            )
