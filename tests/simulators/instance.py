# SPDX-License-Identifier: Apache-2.0
"""The TrustedRoot of a Sigstore instance: a CA and a CT log with keys of their own."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from keys.clock import format_instant
from keys.digest import Digest
from keys.strict import b64encode, dumps_json
from signer.trusted_root import MEDIA_TYPES
from tests.simulators.memory_key import MemoryKey
from tests.simulators.signing import BEGIN

GITHUB = "https://token.actions.githubusercontent.com"
PEOPLE = "https://idp.example.com"
WORKFLOW = "https://github.com/acme/overlay/.github/workflows/release.yml"
MAIN = f"{WORKFLOW}@refs/heads/main"
TAGS = (
    r"^https://github\.com/acme/overlay/\.github/workflows/release\.yml"
    r"@refs/tags/v[0-9]+$"
)


@dataclass(frozen=True)
class SimulatedInstance:
    """A CA of its own name and key, and a CT log."""

    host: str = "sigstore.example.com"
    ca: MemoryKey = field(default_factory=MemoryKey.ecdsa)
    ct: MemoryKey = field(default_factory=MemoryKey.ecdsa)
    begin: datetime = BEGIN
    certificate: bytes = b""

    def __post_init__(self) -> None:
        object.__setattr__(self, "certificate", self.certificate or self._certify())

    @property
    def authority(self) -> Digest:
        return Digest.of(self.certificate)

    @property
    def log_id(self) -> bytes:
        return Digest.of(self.ct.public_key.spki).raw

    @property
    def window(self) -> dict[str, str]:
        return {"start": format_instant(self.begin)}

    def document(self, **changes: Any) -> dict[str, Any]:
        ca = {
            "subject": {"organization": "example", "commonName": self.host},
            "uri": f"https://fulcio.{self.host}",
            "certChain": {"certificates": [{"rawBytes": b64encode(self.certificate)}]},
            "validFor": self.window,
        }
        ct = {
            "baseUrl": f"https://ct.{self.host}",
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": b64encode(self.ct.public_key.spki),
                "keyDetails": self.ct.public_key.details,
                "validFor": self.window,
            },
            "logId": {"keyId": b64encode(self.log_id)},
        }
        document = {
            "mediaType": MEDIA_TYPES[0],
            "tlogs": [],
            "certificateAuthorities": [ca],
            "ctlogs": [ct],
            "timestampAuthorities": [],
        }
        return {**document, **changes}

    def trusted_root(self, **changes: Any) -> bytes:
        return dumps_json(self.document(**changes))

    def _certify(self) -> bytes:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.host)])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.ca.private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.begin)
            .not_valid_after(self.begin + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self.ca.private, SHA256())
        )
        return made.public_bytes(Encoding.DER)
