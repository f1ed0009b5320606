# SPDX-License-Identifier: Apache-2.0
"""The parts of a Sigstore instance: logs and timestamp authorities, with windows."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.clock import parse_instant
from keys.digest import Digest
from keys.errors import TrustacksError
from keys.fields import Fields
from keys.public import PublicKey
from signer.errors import TrustedRootFormatError

_FRACTION: Final = re.compile(r"\.[0-9]{1,9}(?=Z\Z)")


@dataclass(frozen=True, slots=True)
class Window:
    """When a part of the trusted root was in use, both ends included.

    Attributes:
        start: From when.
        end: Until when; none while it is in use.
    """

    start: datetime
    end: datetime | None = None

    def covers(self, at: datetime) -> bool:
        """Return whether ``at`` is in the window."""
        return self.start <= at and (self.end is None or at <= self.end)

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse a ``validFor``; fractions of a second are cut off."""
        end = _instant(fields, "end") if fields.has("end") else None
        window = cls(_instant(fields, "start"), end)
        fields.done()
        return window


@dataclass(frozen=True, slots=True)
class TransparencyLog:
    """A log.

    Attributes:
        base_url: Where it is served.
        key: Its key.
        log_id: 32 bytes that entries name it by.
        window: When its key was in use.
    """

    base_url: str
    key: PublicKey
    log_id: bytes
    window: Window

    @property
    def origin(self) -> str:
        """The name in its checkpoints: for Rekor v2, the host of its address."""
        return urlsplit(self.base_url).netloc

    def covers(self, at: datetime) -> bool:
        """Return whether its key was in use at ``at``."""
        return self.window.covers(at)


@dataclass(frozen=True, slots=True)
class TimestampAuthority:
    """A timestamp authority.

    Attributes:
        uri: Where it answers.
        chain: Its certificates, DER, leaf first and root last.
        window: When it was in use.
    """

    uri: str
    chain: tuple[bytes, ...]
    window: Window

    @property
    def digest(self) -> Digest:
        """SHA-256 of the leaf certificate: how the trust policy names it."""
        return Digest.of(self.chain[0])

    @property
    def key_ids(self) -> tuple[str, ...]:
        """SHA-256 of the SPKI of every certificate, in hex."""
        return tuple(certificate_key_id(der) for der in self.chain)

    def covers(self, at: datetime) -> bool:
        """Return whether it was in use at ``at``."""
        return self.window.covers(at)


def certificate_key_id(der: bytes) -> str:
    """Return SHA-256 of the SPKI of a certificate, in hex.

    Raises:
        TrustedRootFormatError: Not a certificate.
    """
    try:
        key = x509.load_der_x509_certificate(der).public_key()
        spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise TrustedRootFormatError(
            "trusted root: expected a DER certificate, got another"
        ) from error
    return Digest.of(spki).hex


def _instant(fields: Fields, name: str) -> datetime:
    try:
        return parse_instant(_FRACTION.sub("", fields.text(name)))
    except TrustacksError as error:
        raise TrustedRootFormatError(f"{fields.where}: {error.message}") from error
