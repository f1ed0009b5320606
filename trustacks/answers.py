# SPDX-License-Identifier: Apache-2.0
"""Reads answers of the Control Plane, so that a strange one is said, not crashed on.

Answers may grow: fields that nobody asks for are left alone, unlike in documents that
are signed.
"""

from typing import Any

from keys.errors import FormatError
from keys.strict import b64decode
from trustacks.errors import UnexpectedAnswerError


def text_of(answer: Any, *path: str) -> str:
    """Return a text of an answer, by its path of names.

    Raises:
        UnexpectedAnswerError: It is not there, or not a text.
    """
    value = _at(answer, path)
    if not isinstance(value, str):
        raise _unexpected("a text", path)
    return value


def number_of(answer: Any, *path: str) -> int:
    """Return a whole number of an answer.

    Raises:
        UnexpectedAnswerError: It is not there, or not a whole number.
    """
    value = _at(answer, path)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _unexpected("a whole number", path)
    return value


def items_of(answer: Any, *path: str) -> list[dict[str, Any]]:
    """Return the ``items`` of a list answer.

    Raises:
        UnexpectedAnswerError: They are not there, or not objects.
    """
    value = _at(answer, (*path, "items"))
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
        raise _unexpected("a list of objects", (*path, "items"))
    return value


def optional_of(answer: Any, name: str) -> Any:
    """Return a field of an answer, or None where it is not there."""
    return answer.get(name) if isinstance(answer, dict) else None


def bytes_of(answer: Any, *path: str) -> bytes:
    """Return the bytes of a base64 text of an answer.

    Raises:
        UnexpectedAnswerError: It is not there, or not base64.
    """
    try:
        return b64decode(text_of(answer, *path), what=path[-1])
    except FormatError as error:
        raise UnexpectedAnswerError(f"the answer's {error.message}") from error


def _at(answer: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(answer, dict) or name not in answer:
            raise _unexpected("a field", path)
        answer = answer[name]
    return answer


def _unexpected(kind: str, path: tuple[str, ...]) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        f"expected {kind} {'.'.join(path)!r} in the answer, got none",
        hint="is this the address of a Control Plane of this version?",
    )
