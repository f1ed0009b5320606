# SPDX-License-Identifier: Apache-2.0
"""Who can cause whose word: the admins' table of custodies (DESIGN T1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from keys.digest import Digest
from keys.errors import FieldFormatError
from keys.fields import Fields
from keys.strict import b64decode, b64encode
from signer.errors import UnknownCustodyError
from signer.form import Custody
from signer.limits import MAX_TRUSTED_PARTS


@dataclass(frozen=True, slots=True)
class CustodyTable:
    """Who can cause the word of a log, an authority, a CA, a CT log, or an issuer.

    Attributes:
        logs: By log id, 32 bytes.
        authorities: Timestamp authorities, by the digest of the leaf certificate.
        certificate_authorities: By the digest of the CA's own certificate.
        ct_logs: By log id, 32 bytes.
        issuers: Of OIDC tokens, by address.
    """

    logs: Mapping[bytes, Custody]
    authorities: Mapping[Digest, Custody]
    certificate_authorities: Mapping[Digest, Custody] = field(default_factory=dict)
    ct_logs: Mapping[bytes, Custody] = field(default_factory=dict)
    issuers: Mapping[str, Custody] = field(default_factory=dict)

    def of_log(self, log_id: bytes) -> Custody:
        """Return the custody of a log.

        Raises:
            UnknownCustodyError: No admin signed one.
        """
        return _signed(self.logs.get(log_id), f"log {b64encode(log_id)}")

    def of_authority(self, leaf: Digest) -> Custody:
        """Return the custody of a timestamp authority.

        Raises:
            UnknownCustodyError: No admin signed one.
        """
        return _signed(self.authorities.get(leaf), f"timestamp authority {leaf}")

    def of_certificate_authority(self, certificate: Digest) -> Custody:
        """Return the custody of a CA.

        Raises:
            UnknownCustodyError: No admin signed one.
        """
        found = self.certificate_authorities.get(certificate)
        return _signed(found, f"certificate authority {certificate}")

    def of_ct_log(self, log_id: bytes) -> Custody:
        """Return the custody of a CT log.

        Raises:
            UnknownCustodyError: No admin signed one.
        """
        return _signed(self.ct_logs.get(log_id), f"CT log {b64encode(log_id)}")

    def of_issuer(self, issuer: str) -> Custody:
        """Return the custody of an OIDC issuer.

        Raises:
            UnknownCustodyError: No admin signed one.
        """
        return _signed(self.issuers.get(issuer), f"issuer {issuer}")

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse the table.

        Raises:
            FormatError: Another shape.
        """
        table = cls(
            _log_ids(_custodies(fields, "logs")),
            _digests(_custodies(fields, "timestamp_authorities")),
            _digests(_further(fields, "certificate_authorities")),
            _log_ids(_further(fields, "ct_logs")),
            _further(fields, "issuers"),
        )
        fields.done()
        return table

    def to_json(self) -> dict[str, Any]:
        """Return it as a document; what has no row stays out."""
        rows = {
            "logs": {b64encode(key): c.value for key, c in self.logs.items()},
            "timestamp_authorities": _texts(self.authorities),
        }
        further = {
            "certificate_authorities": _texts(self.certificate_authorities),
            "ct_logs": {b64encode(key): c.value for key, c in self.ct_logs.items()},
            "issuers": _texts(self.issuers),
        }
        return rows | {name: value for name, value in further.items() if value}


def _signed(custody: Custody | None, whose: str) -> Custody:
    if custody is None:
        raise UnknownCustodyError(f"expected a custody for {whose}, got none")
    return custody


def _texts(custodies: Mapping[Any, Custody]) -> dict[str, str]:
    return {str(key): custody.value for key, custody in custodies.items()}


def _log_ids(found: Mapping[str, Custody]) -> dict[bytes, Custody]:
    return {b64decode(key, what="log id"): value for key, value in found.items()}


def _digests(found: Mapping[str, Custody]) -> dict[Digest, Custody]:
    return {Digest.parse(key): value for key, value in found.items()}


def _further(fields: Fields, name: str) -> dict[str, Custody]:
    """Read rows that are left out where there are none; two ways to say none is one."""
    found = _custodies(fields, name) if fields.has(name) else {}
    if fields.has(name) and not found:
        raise FieldFormatError(f"{fields.where}.{name}: expected a row, got none")
    return found


def _custodies(fields: Fields, name: str) -> dict[str, Custody]:
    found = fields.mapping(name, max_items=MAX_TRUSTED_PARTS)
    known = {custody.value for custody in Custody}
    if not all(isinstance(value, str) and value in known for value in found.values()):
        raise FieldFormatError(f"{fields.where}.{name}: expected custodies, got others")
    return {key: Custody(value) for key, value in found.items()}
