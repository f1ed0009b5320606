# SPDX-License-Identifier: Apache-2.0
"""What every request and answer has in common."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from control_plane import limits
from keys.digest import Digest
from keys.errors import TrustacksError
from keys.strict import b64decode


class Request(BaseModel):
    """A request: no unknown fields, no conversions (``"1"`` is not 1)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Answer(BaseModel):
    """An answer; clients must ignore fields that they do not know."""

    model_config = ConfigDict(frozen=True)


class Health(Answer):
    """Whether the server can work."""

    status: str = Field(examples=["ok"])


class Problem(Answer):
    """A refusal (RFC 9457); ``code`` is stable, ``detail`` is for people."""

    type: str = Field(examples=["https://trustacks.com/problems/not-found"])
    title: str
    status: int
    detail: str
    code: str = Field(examples=["not-found"])
    hint: str | None
    evidence: dict[str, Any]
    request_id: str


def _base64(text: str) -> str:
    try:
        b64decode(text)
    except TrustacksError as error:
        raise ValueError(error.message) from error
    return text


def _digest(text: str) -> str:
    try:
        return str(Digest.parse(text))
    except TrustacksError as error:
        raise ValueError(error.message) from error


# Text in the document, checked when it is read; ``decoded`` gives the bytes.
Base64 = Annotated[str, AfterValidator(_base64)]
DigestText = Annotated[
    str, AfterValidator(_digest), Field(examples=["sha256:" + "0" * 64])
]
# Shown in one line, and stored: PostgreSQL takes no NUL.
Name = Annotated[
    str,
    Field(
        min_length=1, max_length=limits.MAX_NAME_CHARS, pattern=r"^[^\x00-\x1f\x7f]+$"
    ),
]


def decoded(text: str) -> bytes:
    """Return the bytes of a ``Base64`` field."""
    return b64decode(text)
