# SPDX-License-Identifier: Apache-2.0
"""A sovereign workspace whose people sign at the instance of real services, by OIDC."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from keys.clock import utc_now
from keys.digest import Digest
from signer.attestation import parse_attestation, with_entry
from signer.credential import OidcCredential
from signer.custody import CustodyTable
from signer.form import Custody, Form
from signer.identity import Identity
from signer.instances import SigstoreInstance
from signer.keyless.http import Http
from signer.keyless.signing_config import SigningConfig
from signer.keyless.witnesses import NotaryWitnesses
from signer.predicates.base import Predicate
from signer.statement import Statement, Subject
from signer.subject_pattern import SubjectPattern
from signer.tlog.entry import hashedrekord_body
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot, build_trusted_root
from tests.interop.peers.instance import Account, PeerInstance, public_of
from tests.interop.peers.ours import keyless
from tests.simulators.signing import DAY, Workshop, person

NAME = "peers"
FILES = {
    "rule": {
        "rules/acme.ticket/acme.ticket.rego": b"package overlay.acme_ticket\n",
        "rules/acme.ticket/acme.ticket_test.rego": b"package overlay.acme_ticket_test\n",
    },
    "release": {"bundle.tar.gz": b"a bundle", "bundle.tar": b"what is in it"},
}


class PeerWorkshop(Workshop):
    """``alice`` may sign rules by her mail address, ``ci`` releases by its workflow.

    Log and timestamps are the workspace's own; certificates are the instance's, and so
    is the time from outside that their minutes need (ADR 0040).

    Attributes:
        instance: The only instance that it trusts.
        at: Now, to the second.
    """

    def __init__(self, instance: PeerInstance) -> None:
        super().__init__(form=Form.SOVEREIGN)
        self.instance = instance
        self.at = datetime.now(UTC).replace(microsecond=0)

    def account(self, kind: str) -> Account:
        """Return who signs statements of a kind."""
        return self.instance.person if kind == "rule" else self.instance.workload

    def statement(self, kind: str) -> bytes:
        """Build a rule or a release, as its signer would."""
        return _statement(self._predicate(kind), FILES[kind])

    def sign(self, kind: str, account: Account | None = None) -> bytes:
        """Have somebody sign a statement, witnessed by workspace and instance."""
        config = SigningConfig.parse(self.instance.signing_config)
        outside = config.timestamp_authorities(utc_now())
        witnesses = NotaryWitnesses(PeerNotary(self), Http(), outside)
        signer = keyless(self.instance, account or self.account(kind))
        signer = replace(signer, trusted_root=self.root_document)
        return signer.sign_statement(self.statement(kind), witnesses)

    def policy(self, **changes: object) -> TrustPolicy:
        root = self.trusted_root()
        (ca,), (ct_log,) = root.certificate_authorities, root.ct_logs
        issuers = {self.account(kind).issuer.url for kind in FILES}
        external = Custody.EXTERNAL
        claims = (
            self._claim("alice", "author", "rule"),
            self._claim("ci", "release", "release"),
        )
        given = {
            "identities": claims,
            "instances": {
                NAME: SigstoreInstance(
                    certificate_authorities=frozenset({ca.digest}),
                    ct_logs=frozenset({ct_log.log_id}),
                    issuers=frozenset(issuers),
                )
            },
            "custody": CustodyTable(
                {self.log.log_id: self.custody},
                {
                    one.digest: self.custody
                    if one.uri == self.authority.uri
                    else external
                    for one in root.authorities
                },
                {ca.digest: external},
                {ct_log.log_id: external},
                dict.fromkeys(issuers, external),
            ),
        }
        return super().policy(**given | changes)

    @property
    def root_document(self) -> bytes:
        """The workspace's trusted root: its own log and authority, and the instance."""
        made, since = self.instance, self.instance.since
        return build_trusted_root(
            logs=[(f"https://{self.log.origin}", self.log.key.public_key, since)],
            authorities=[
                (self.authority.uri, self.authority.chain, since),
                (made.tsa, made.tsa_chain.certificates, since),
            ],
            certificate_authorities=[(made.fulcio, made.ca.certificates, since)],
            ct_logs=[(made.ct_log, public_of(made.ct_key), since)],
        )

    def trusted_root(self) -> TrustedRoot:
        return TrustedRoot.parse(self.root_document)

    def _claim(self, name: str, permission: str, kind: str) -> Identity:
        account = self.account(kind)
        subject = SubjectPattern.exactly(account.subject)
        credential = OidcCredential(NAME, account.issuer.url, subject)
        window = {"not_before": self.at - DAY, "not_after": self.at + DAY}
        return replace(
            person(name, permission, **window).identity, credential=credential
        )

    def _predicate(self, kind: str) -> Predicate:
        if kind == "rule":
            return self.rule(identity="alice", signed_at=self.at)
        times = {"issued_at": self.at, "expires": self.at + 7 * DAY}
        return self.release(identity="ci", **times)


@dataclass(frozen=True)
class PeerNotary:
    """The workspace's own witnesses, by the machine's clock."""

    shop: PeerWorkshop

    def timestamp(self, signature: bytes) -> bytes:
        at = utc_now().replace(microsecond=0)
        return self.shop.authority.stamp(signature, at=at)

    def log(self, attestation: bytes) -> bytes:
        parsed = parse_attestation(attestation)
        assert parsed.leaf is not None
        body = hashedrekord_body(
            digest=parsed.digest,
            signature=parsed.envelope.signature,
            key=parsed.leaf.key,
            certificate=parsed.leaf.der,
        )
        return with_entry(parsed, self.shop.log.append(body))


def _statement(predicate: Predicate, files: dict[str, bytes]) -> bytes:
    subjects = tuple(Subject(name, Digest.of(data)) for name, data in files.items())
    return Statement(subjects, predicate.type, predicate.to_json()).to_bytes()
