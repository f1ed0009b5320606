# SPDX-License-Identifier: Apache-2.0
"""The parts of a Sigstore instance: logs and authorities, each with its window."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.digest import Digest
from keys.public import ED25519, PublicKey
from signer.errors import TrustedRootFormatError
from signer.tlog.note import full_key_hash


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


@dataclass(frozen=True)
class Log:
    """A log of either kind.

    Attributes:
        base_url: Where it is served.
        key: Its key.
        log_id: 32 bytes that evidence names it by.
        window: When its key was in use.
        operator: Who runs it; empty if the trusted root does not say.
    """

    base_url: str
    key: PublicKey
    log_id: bytes
    window: Window
    operator: str = ""

    def covers(self, at: datetime) -> bool:
        """Return whether its key was in use at ``at``."""
        return self.window.covers(at)


@dataclass(frozen=True)
class TransparencyLog(Log):
    """A log of signatures."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names that its checkpoints may have, the likeliest first.

        Rekor's is the host of its address: without a port, which says where a log is
        served, as in sigstore-go, or with it, as Rekor v1 writes it. The id of an
        Ed25519 key is made of the name (C2SP signed-note), and leaves one.
        """
        rest = self.base_url.rpartition("://")[2].rstrip("/")
        likely = (host_of(self.base_url), rest.partition("/")[0], rest)
        names = tuple(dict.fromkeys(name for name in likely if name))
        if self.key.details != ED25519:
            return names
        made_of = (n for n in names if full_key_hash(n, self.key) == self.log_id)
        return tuple(made_of) or names[:1]

    @cached_property
    def origin(self) -> str:
        """The likeliest of its names; empty if its address has none."""
        return next(iter(self.names), "")

    @property
    def name(self) -> str:
        """How a message names it."""
        return self.origin


@dataclass(frozen=True)
class CtLog(Log):
    """A log of certificates (RFC 6962); its id is SHA-256 of its SPKI."""


@dataclass(frozen=True)
class Authority:
    """Who signs with a certificate at the head of a chain.

    Attributes:
        uri: Where it answers; may be empty.
        chain: Its certificates, DER, its own first and the root last.
        window: When it was in use.
        operator: Who runs it; empty if the trusted root does not say.
    """

    uri: str
    chain: tuple[bytes, ...]
    window: Window
    operator: str = ""

    @cached_property
    def digest(self) -> Digest:
        """SHA-256 of its own certificate: how the trust policy names it."""
        return Digest.of(self.chain[0])

    @cached_property
    def key_ids(self) -> tuple[str, ...]:
        """SHA-256 of the SPKI of every certificate, in hex."""
        return tuple(certificate_key_id(der) for der in self.chain)

    def covers(self, at: datetime) -> bool:
        """Return whether it was in use at ``at``."""
        return self.window.covers(at)


@dataclass(frozen=True)
class TimestampAuthority(Authority):
    """Who says when; ``chain`` is from its leaf to its root."""

    @property
    def name(self) -> str:
        """How a message names it."""
        return self.uri or str(self.digest)

    @property
    def run_by(self) -> str:
        """Whom thresholds count: the operator, or else the address, or else it."""
        return self.operator or self.uri or str(self.digest)


@dataclass(frozen=True)
class CertificateAuthority(Authority):
    """Who issues certificates for signing; ``chain`` begins with the issuing CA."""


def host_of(url: str) -> str:
    """Return the host of an address without its port; empty if it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # brackets that hold no address
        return ""


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
