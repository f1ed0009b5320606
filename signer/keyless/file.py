# SPDX-License-Identifier: Apache-2.0
"""What may be signed as a file: bytes that are not what else the key could have signed.

A signature says nothing of what it was meant as. Over the bytes of a DSSE PAE it is the
signature of a statement, and the log's entry is the same; over canonical JSON it is
that of TUF metadata; over the input of a JWS it is a token's. So a file that begins
like one of these is refused, with whatever key (DESIGN T9: no command signs bytes that
it did not build).
"""

from typing import Final

from signer.keyless.errors import FileAmbiguousError

# Bytes of a file that are looked at.
HEAD_BYTES: Final = 64

# How they begin, and what they would be. Canonical JSON sorts ``_type`` first.
_DSSE: Final = b"DSSEv1 "
_OTHERS: Final = (
    (b'{"_type":"', "metadata of TUF or in-toto"),
    (b"eyJ", "the input of a JSON web signature"),
)


def require_plain(head: bytes, *, keyed: bool) -> None:
    """Refuse to sign as a file what would be a signature of something else.

    Args:
        head: How the file begins, ``HEAD_BYTES`` of it.
        keyed: Whether the key lives on; one of ten minutes signs no metadata or token.

    Raises:
        FileAmbiguousError: It would be.
    """
    if head.startswith(_DSSE):
        raise _ambiguous("a statement's DSSE encoding")
    for begin, what in _OTHERS if keyed else ():
        if head.startswith(begin):
            raise _ambiguous(what)


def _ambiguous(what: str) -> FileAmbiguousError:
    return FileAmbiguousError(
        f"expected a file, got bytes that begin like {what}, which a signature of "
        "them would be taken for",
        hint="say something about it instead: trustacks attest",
    )
