# SPDX-License-Identifier: Apache-2.0
"""SHA-256 digests as a value: ``sha256:`` and 64 lower-case hex digits."""

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from keys.errors import FieldFormatError

_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A SHA-256 digest.

    Attributes:
        hex: 64 lower-case hexadecimal digits.
    """

    hex: str

    def __post_init__(self) -> None:
        if not _HEX.fullmatch(self.hex):
            raise FieldFormatError(
                f"expected 64 hex digits of SHA-256, got {self.hex!r}"
            )

    @classmethod
    def of(cls, data: bytes | memoryview) -> Self:
        """Return the digest of ``data``."""
        return cls(hashlib.sha256(data).hexdigest())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``sha256:<64 hex>``.

        Raises:
            FieldFormatError: Another algorithm, upper case or another length.
        """
        algorithm, _, digits = text.partition(":")
        if algorithm != "sha256":
            raise FieldFormatError(
                f"expected a digest like sha256:<64 hex>, got {text!r}"
            )
        return cls(digits)

    def __str__(self) -> str:
        return f"sha256:{self.hex}"

    @property
    def raw(self) -> bytes:
        """The 32 bytes."""
        return bytes.fromhex(self.hex)

    @property
    def short(self) -> str:
        """The first 12 digits, for people; never for comparison."""
        return self.hex[:12]
