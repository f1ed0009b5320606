# SPDX-License-Identifier: Apache-2.0
"""What every request and answer has in common."""

from typing import Annotated

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


def _decode(text: str) -> bytes:
    try:
        return b64decode(text)
    except TrustacksError as error:
        raise ValueError(error.message) from error


def _digest(text: str) -> Digest:
    try:
        return Digest.parse(text)
    except TrustacksError as error:
        raise ValueError(error.message) from error


# Read as text; ``decoded`` of the model that has one gives the bytes.
Base64 = Annotated[str, AfterValidator(lambda text: (_decode(text), text)[1])]
DigestText = Annotated[str, AfterValidator(lambda text: str(_digest(text)))]
Name = Annotated[str, Field(min_length=1, max_length=limits.MAX_NAME_CHARS)]
