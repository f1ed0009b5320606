# SPDX-License-Identifier: Apache-2.0
"""Sign as the subject of an OIDC token: the one module that imports ``sigstore``.

The library makes the key and the request for a certificate, checks what the log of
certificates promised, signs, and puts the bundle together. Its clients are not used:
they wait for ever, try once, forget the path of an address, and go on without a
timestamp. In their place stand ours, behind the constructor that the library offers
for that; each fails by an error of its own class, which ends the signature.

Order: (1) certificate, which whoever asks can be shown; (2) signature; (3) timestamps;
(4) log entry; (5) our own verifier; only then anybody gets the bundle. A failure before
(4) leaves nothing anywhere; after it, an entry about nothing that was released.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import TimeStampResponse, decode_timestamp_response
from sigstore.dsse import Envelope as TheirEnvelope
from sigstore.dsse import Statement as TheirStatement
from sigstore.hashes import Hashed
from sigstore.models import Bundle, ClientTrustConfig, TransparencyLogEntry
from sigstore.models import TrustedRoot as TheirRoot
from sigstore.oidc import IdentityToken
from sigstore.sign import Signer, SigningContext
from sigstore_models.common.v1 import HashAlgorithm
from sigstore_models.rekor.v1 import TransparencyLogEntry as TheirEntry

from keys.clock import Clock
from keys.digest import Digest
from keys.strict import dumps_json, loads_json
from signer.certificate.leaf import Leaf, parse_leaf
from signer.dsse import IN_TOTO, Envelope
from signer.foreign_statement import require_about
from signer.keyless.errors import CertificateNotOursError, KeylessLibraryError
from signer.keyless.file import require_plain
from signer.keyless.fulcio import Issued, certify
from signer.keyless.http import Http
from signer.keyless.library import library
from signer.keyless.limits import MARGIN_S
from signer.keyless.rekor import Proposal
from signer.keyless.signing_config import MEDIA_TYPE
from signer.keyless.token import TokenClaims
from signer.keyless.witnesses import Witnesses
from signer.limits import MAX_TRUSTED_ROOT_BYTES
from signer.signed import Signed, Verifier
from signer.signer_policy import IdentityPolicy
from signer.subject_pattern import SubjectPattern
from signer.trusted_root import TrustedRoot
from signer.verify_bundle import verify_bundle

_TRUST_CONFIG: Final = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"


@dataclass
class KeylessSigner:
    """Signs as whoever a token speaks of, with a certificate that lives for minutes.

    One certificate is used while it is good; then another one is taken, with a token
    that is asked for again.

    Attributes:
        token: Returns an identity token that is good now.
        authority: The certificate authority's address.
        trusted_root: Who counts when the result is verified.
        http: Asks the authority.
        clock: The time.
    """

    token: Callable[[], TokenClaims]
    authority: str
    trusted_root: bytes
    http: Http
    clock: Clock
    _certified: "tuple[Leaf, Signer] | None" = field(default=None, init=False)
    _services: "_Services | None" = field(default=None, init=False)

    @property
    def leaf(self) -> Leaf:
        """The certificate to sign with now.

        Raises:
            TokenExpiredError: The token is not good any more.
            CertificateNotOursError: The next certificate speaks of somebody else.
            TrustacksError: What the certificate authority says.
        """
        return self._signer()[0]

    def sign_file(self, head: bytes, digest: Digest, witnesses: Witnesses) -> bytes:
        """Return the bundle of a file, verified.

        Args:
            head: How the file begins (``signer.keyless.file``).
            digest: Its SHA-256.
            witnesses: Who sees the signature.

        Raises:
            FileAmbiguousError: Its signature would be that of something else.
            TrustacksError: What a service or the verifier says.
        """
        require_plain(head, keyed=False)
        hashed = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=digest.raw)
        return self._sign(lambda by: by.sign_artifact(hashed), digest, witnesses)

    def sign_statement(self, statement: bytes, witnesses: Witnesses) -> bytes:
        """Return the bundle of a statement, verified.

        Args:
            statement: As it was built, ours or anybody's.
            witnesses: Who sees the signature.

        Raises:
            StatementFormatError: Not a statement, or about nothing.
            TrustacksError: What a service or the verifier says.
        """
        about = require_about(statement)
        return self._sign(
            lambda by: by.sign_dsse(TheirStatement(statement)),
            about,
            witnesses,
            statement,
        )

    def _sign(
        self,
        sign: Callable[[Signer], Bundle],
        about: Digest,
        witnesses: Witnesses,
        statement: bytes = b"",
    ) -> bytes:
        leaf, signer = self._signer()
        self._services_now().begin(witnesses, statement)
        with library("signing"):
            bundle = sign(signer).to_json().encode()
        raw = witnesses.released(bundle)
        policy = IdentityPolicy(
            issuer=leaf.issuer,
            subject=SubjectPattern.exactly(leaf.subject),
            authorities=1,
        )
        root = TrustedRoot.parse(self.trusted_root)
        verify_bundle(raw, artifact=about, trusted_root=root, policy=policy).require()
        return raw

    def _signer(self) -> tuple[Leaf, Signer]:
        margin = timedelta(seconds=MARGIN_S)
        known = self._certified
        if known is not None and self.clock() + margin <= known[0].not_after:
            return known
        claims = self.token()
        claims.require_good(self.clock())
        services = self._services_now()
        with library("identity token"):
            token = IdentityToken(claims.raw, client_id=claims.audience)
        with library("certificate"), services.context.signer(token) as signer:
            pass
        if services.issued is None:
            raise KeylessLibraryError("expected a certificate, got none")
        found = services.issued.leaf, signer
        if known is not None:
            _require_same(known[0], found[0])
        self._certified = found
        return found

    def _services_now(self) -> "_Services":
        if self._services is None:
            with library("trusted root"):
                self._services = _Services(self.http, self.authority, self.trusted_root)
        return self._services


@dataclass(frozen=True, slots=True)
class _Response:
    """What the library takes for Fulcio's answer."""

    cert: x509.Certificate
    chain: list[x509.Certificate]


class _Services:
    """What the library takes for its clients of Fulcio, of a log and of an authority.

    It asks a log for the form of an entry before there is one, so that an entry is a
    ``Proposal`` of ours until then.
    """

    url = "the witnesses"

    def __init__(self, http: Http, authority: str, trusted_root: bytes) -> None:
        self._http, self._authority = http, authority
        self._clients: list[Any] = [self]
        self._tokens: list[bytes] = []
        self.witnesses: Witnesses | None = None
        self.statement = b""
        self.issued: Issued | None = None
        theirs: Any = self  # two of its classes at once; it names neither in public
        self.context = SigningContext(
            fulcio=theirs,
            rekor=theirs,
            trusted_root=_their_root(trusted_root),
            tsa_clients=self._clients,
        )

    def begin(self, witnesses: Witnesses, statement: bytes) -> None:
        """Prepare for one signature: the library asks each client for one token."""
        self.witnesses, self.statement, self._tokens = witnesses, statement, []
        self._clients[:] = [self] * witnesses.stamps

    # ---- Fulcio

    @property
    def signing_cert(self) -> "_Services":
        """The endpoint that certifies: this."""
        return self

    def post(
        self, request: x509.CertificateSigningRequest, identity: IdentityToken
    ) -> _Response:
        """Have a key certified."""
        self.issued = certify(
            self._http, self._authority, request=request, token=str(identity)
        )
        return _Response(self.issued.leaf.certificate, list(self.issued.chain))

    # ---- timestamps

    def request_timestamp(self, signature: bytes) -> TimeStampResponse:
        """Have a signature stamped by all; return the token of the next client."""
        if not self._tokens:
            self._tokens = list(self._asked.stamp(signature))
            self._left = iter(self._tokens)
        return decode_timestamp_response(next(self._left))

    # ---- log

    def create_entry(self, proposal: Proposal) -> TransparencyLogEntry:
        """Have a stamped signature logged."""
        entry = self._asked.log(proposal, tuple(self._tokens))
        return TransparencyLogEntry(TheirEntry.from_dict(entry.to_json()))

    def _build_dsse_request(
        self, envelope: TheirEnvelope, certificate: x509.Certificate
    ) -> Proposal:
        ours = Envelope(IN_TOTO, self.statement, "", envelope.signature)
        if ours.pae != envelope.pae():
            raise KeylessLibraryError(
                "expected the statement that was given, got another"
            )
        signed = Signed(ours.signature, ours.digest, ours.pae, ours.payload)
        return Proposal(signed, self._verifier(certificate), ours)

    def _build_hashed_rekord_request(
        self, hashed_input: Hashed, signature: bytes, certificate: x509.Certificate
    ) -> Proposal:
        digest = Digest(hashed_input.digest.hex())
        return Proposal(Signed(signature, digest), self._verifier(certificate))

    @property
    def _asked(self) -> Witnesses:
        if self.witnesses is None:
            raise KeylessLibraryError("expected witnesses, got none")
        return self.witnesses

    @staticmethod
    def _verifier(certificate: x509.Certificate) -> Verifier:
        leaf = parse_leaf(certificate.public_bytes(Encoding.DER))
        return Verifier(leaf.key, leaf.der)


def _their_root(trusted_root: bytes) -> TheirRoot:
    """Return a trusted root as the library reads one from bytes: in a trust config."""
    config = {
        "mediaType": _TRUST_CONFIG,
        "trustedRoot": loads_json(trusted_root, max_bytes=MAX_TRUSTED_ROOT_BYTES),
        "signingConfig": {"mediaType": MEDIA_TYPE},
    }
    return ClientTrustConfig.from_json(dumps_json(config).decode()).trusted_root


def _require_same(before: Leaf, now: Leaf) -> None:
    """Refuse that the second half of a batch is signed by somebody else."""
    if (before.issuer, before.subject) != (now.issuer, now.subject):
        raise CertificateNotOursError(
            f"expected a certificate of {before.subject}, got one of {now.subject}"
        )
