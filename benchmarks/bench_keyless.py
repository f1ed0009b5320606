# SPDX-License-Identifier: Apache-2.0
"""A keyless signature at the embedded instance, over loopback, by the stock client.

From an identity token to a bundle: a new key, its certificate, a timestamp, a log
entry; both logs are durable before they answer. Beside it stands its cryptography: the
same signatures and verifications, client's and server's, without HTTP, disk and
documents. Every signature of the server is verified before it leaves, and counts so.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from sigstore.models import SigningConfig, TrustedRoot
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext

from benchmarks.measure import Row, least
from tests.simulators.plane import Plane, planted

TIMES = 60
# Of issue 5.
MOST = 3
FILE = b"a file of the platform team\n"
_SHA256 = ec.ECDSA(hashes.SHA256())


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder, planted(Path(folder)) as plane:
        sign = _signer(plane, Path(folder))
        taken, base = least(sign, Primitives.made().once, times=TIMES)
    goal = f"{MOST} times its cryptography"
    name = "keyless signature, embedded, durable"
    yield Row(name, taken, base, goal, MOST * base.wall)


def _signer(plane: Plane, folder: Path) -> Callable[[], object]:
    """Return what signs once, as somebody with the two files and a token does."""
    for name in ("trusted-root", "signing-config"):
        plane.alice.must("sigstore", name, "--out", folder / f"{name}.json")
    token = IdentityToken(plane.alice.must("sigstore", "token").out.strip())
    config = SigningConfig.from_file(str(folder / "signing-config.json"))
    context = SigningContext(
        fulcio=config.get_fulcio(),
        rekor=config.get_tlogs()[0],
        trusted_root=TrustedRoot.from_file(str(folder / "trusted-root.json")),
        tsa_clients=config.get_tsas(),
    )

    def sign() -> object:
        with context.signer(token) as signer:
            return signer.sign_artifact(FILE)

    return sign


@dataclass(frozen=True)
class Primitives:
    """The keys of both sides."""

    p256: ec.EllipticCurvePrivateKey
    signature: bytes
    log: ed25519.Ed25519PrivateKey
    name: x509.Name

    @classmethod
    def made(cls) -> "Primitives":
        key = ec.generate_private_key(ec.SECP256R1())
        log = ed25519.Ed25519PrivateKey.generate()
        return cls(key, key.sign(FILE, _SHA256), log, x509.Name([]))

    def once(self) -> None:
        """Do what one signature needs."""
        self._client()
        self._issuer_and_ca()
        self._timestamp()
        self._log()

    def _client(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        request = x509.CertificateSigningRequestBuilder().subject_name(self.name)
        request.sign(key, hashes.SHA256())
        key.sign(FILE, _SHA256)
        self._verify()  # the certificate's timestamp

    def _issuer_and_ca(self) -> None:
        self._verify()  # the token
        self._verify()  # the request
        for _ in ("CT checkpoint", "CT timestamp", "certificate"):
            self._sign_and_verify()

    def _timestamp(self) -> None:
        self._sign_and_verify()

    def _log(self) -> None:
        for _ in ("entry", "certificate", "CT timestamp"):
            self._verify()
        self.log.public_key().verify(self.log.sign(FILE), FILE)

    def _sign_and_verify(self) -> None:
        self.p256.public_key().verify(self.p256.sign(FILE, _SHA256), FILE, _SHA256)

    def _verify(self) -> None:
        self.p256.public_key().verify(self.signature, FILE, _SHA256)
