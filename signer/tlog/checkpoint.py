# SPDX-License-Identifier: Apache-2.0
"""C2SP checkpoints: the size and root of a log, said by its key.

Extension lines and cosignatures are tolerated and never trusted: what is read is what
the log's own key signed.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from keys.errors import TrustacksError
from keys.public import PublicKey
from keys.signing import SigningKey
from keys.strict import b64decode, b64encode
from signer.tlog.errors import NoteFormatError, WrongLogError
from signer.tlog.limits import MAX_KEPT_CHECKPOINTS, MAX_TREE_SIZE
from signer.tlog.note import parse_note, sign_note, verify_note

_SIZE: Final = re.compile("0|[1-9][0-9]{0,18}")
_TREE: Final = re.compile("[0-9]{1,20}")
_ROOT_BYTES: Final = 32
_LINES: Final = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head.

    Attributes:
        origin: The log's name, unique.
        size: How many leaves.
        root: 32 bytes, the RFC 6962 root of those leaves.
    """

    origin: str
    size: int
    root: bytes

    def to_text(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root)}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Parse a note's text; the caller verified the note.

    Raises:
        NoteFormatError: Not a checkpoint.

    Source: C2SP tlog-checkpoint, "Note text".
    """
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < _LINES or not all(lines):
        raise NoteFormatError(
            f"checkpoint: expected at least {_LINES} full lines, got {len(lines)}"
        )
    origin, size, root = lines[:_LINES]
    return Checkpoint(origin, _parse_size(size), _parse_root(root))


def open_checkpoint(raw: bytes, *, origin: str, key: PublicKey) -> Checkpoint:
    """Verify a checkpoint, then parse the bytes that were verified.

    Args:
        raw: The signed note.
        origin: The log that is expected; also the name of its key in the note.
        key: The log's key.

    Raises:
        NoteFormatError: Not a note, or not a checkpoint inside one.
        CheckpointSignatureError: Not signed by ``key``.
        WrongLogError: Signed, but for another origin.
    """
    return _open(raw, origin, key, False)  # noqa: FBT003 - the cache's key


def open_rekor_v1_checkpoint(raw: bytes, *, host: str, key: PublicKey) -> Checkpoint:
    """Verify a checkpoint of Rekor v1, whose origin names one of the host's trees.

    Args:
        raw: The signed note.
        host: The log that is expected; also the name of its key in the note.
        key: The log's key.

    Raises:
        TrustacksError: As ``open_checkpoint``.

    Source: C2SP tlog-checkpoint, "Note text"; Rekor v1 makes the origin of its host and
    the number of a tree: ``<host> - <tree id>``, or the host alone.
    """
    return _open(raw, host, key, True)  # noqa: FBT003 - the cache's key


@lru_cache(MAX_KEPT_CHECKPOINTS)
def _open(raw: bytes, name: str, key: PublicKey, of_tree: bool) -> Checkpoint:  # noqa: FBT001
    note = parse_note(raw)
    verify_note(note, name, key)
    checkpoint = parse_checkpoint(note.text)
    got, tree = checkpoint.origin, None
    if of_tree:
        got, dash, tree = checkpoint.origin.partition(" - ")
        tree = tree if dash else None
    if got != name or (tree is not None and not _TREE.fullmatch(tree)):
        raise WrongLogError(
            f"expected a checkpoint of {name!r}, got one of {checkpoint.origin!r}",
            expected=name,
            got=checkpoint.origin,
        )
    return checkpoint


def sign_checkpoint(checkpoint: Checkpoint, *, key: SigningKey) -> bytes:
    """Sign a tree head as its log; equal heads give equal bytes with Ed25519.

    Raises:
        NoteFormatError: The origin cannot be a key's name.
    """
    parse_checkpoint(checkpoint.to_text())
    return sign_note(checkpoint.to_text(), checkpoint.origin, key)


def _parse_size(text: str) -> int:
    if not _SIZE.fullmatch(text) or int(text) > MAX_TREE_SIZE:
        raise NoteFormatError(f"checkpoint: expected a tree size, got {text[:24]!r}")
    return int(text)


def _parse_root(text: str) -> bytes:
    try:
        root = b64decode(text, what="checkpoint root")
    except TrustacksError as error:
        raise NoteFormatError(error.message) from error
    if len(root) != _ROOT_BYTES:
        raise NoteFormatError(
            f"checkpoint: expected a root of {_ROOT_BYTES} bytes, got {len(root)}"
        )
    return root
