# SPDX-License-Identifier: Apache-2.0
"""A sovereign workspace whose people sign at the instance of real services, by OIDC."""

from dataclasses import replace
from datetime import UTC, datetime

from keys.digest import Digest
from signer.credential import OidcCredential
from signer.custody import CustodyTable
from signer.form import Custody, Form
from signer.identity import Identity
from signer.instances import SigstoreInstance
from signer.predicates.base import Predicate
from signer.statement import Statement, Subject
from signer.subject_pattern import SubjectPattern
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot
from tests.interop.peers.instance import Account, PeerInstance
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

    def policy(self, **changes: object) -> TrustPolicy:
        root = self.trusted_root()
        (log,), (authority,) = root.logs, root.authorities
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
                {log.log_id: external},
                {authority.digest: external},
                {ca.digest: external},
                {ct_log.log_id: external},
                dict.fromkeys(issuers, external),
            ),
        }
        return super().policy(**given | changes)

    def trusted_root(self) -> TrustedRoot:
        return TrustedRoot.parse(self.instance.trusted_root)

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


def _statement(predicate: Predicate, files: dict[str, bytes]) -> bytes:
    subjects = tuple(Subject(name, Digest.of(data)) for name, data in files.items())
    return Statement(subjects, predicate.type, predicate.to_json()).to_bytes()
