# SPDX-License-Identifier: Apache-2.0
"""A whole Sigstore instance of real services, and who has an account there."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.serialization import PrivateFormat

from keys.clock import format_instant
from keys.foreign import foreign_key_from_pem
from keys.public import PublicKey
from keys.strict import dumps_json
from signer.signer_policy import IdentityPolicy
from signer.subject_pattern import SubjectPattern
from signer.trusted_root import build_trusted_root
from tests.interop.peers import services
from tests.interop.peers.pki import ChainFile, KeyFile, write_ca, write_key, write_tsa
from tests.simulators.oidc_provider import AUDIENCE, OidcIssuer, serve_oidc

OPERATOR = "interop"
ALICE = "alice@example.com"
WORKFLOW = "acme/overlay/.github/workflows/release.yml@refs/heads/main"


@dataclass(frozen=True)
class Account:
    """Somebody whom an issuer of the instance knows.

    Attributes:
        issuer: The issuer.
        client: By which name they ask.
        secret: With which they prove it.
        subject: Of their certificates.
    """

    issuer: OidcIssuer
    client: str
    secret: str
    subject: str

    def token(self) -> str:
        """Ask the issuer for a new token."""
        return self.issuer.ask(self.client, self.secret)

    def policy(self, **changes: int) -> IdentityPolicy:
        """Ask for their signatures, by our verifier."""
        subject = SubjectPattern.exactly(self.subject)
        return IdentityPolicy(issuer=self.issuer.url, subject=subject, **changes)

    @property
    def flags(self) -> tuple[str, ...]:
        """Ask for their signatures, by cosign."""
        return (
            f"--certificate-identity={self.subject}",
            f"--certificate-oidc-issuer={self.issuer.url}",
        )


@dataclass(frozen=True)
class PeerInstance:
    """Where everything of it is.

    Attributes:
        home: Its files; tests may add theirs.
        kind: Of its certificates' keys.
        since: From when its parts are trusted.
        person: An account by mail address.
        workload: An account of a workflow, with all that Fulcio says of one.
    """

    home: Path
    kind: str
    since: datetime
    ca: ChainFile
    ct_key: KeyFile
    rekor_key: KeyFile
    tsa_chain: ChainFile
    fulcio: str
    ct_log: str
    rekor: str
    tsa: str
    person: Account
    workload: Account

    @cached_property
    def trusted_root(self) -> bytes:
        """The TrustedRoot, as we build it."""
        return build_trusted_root(
            logs=[(self.rekor, public_of(self.rekor_key), self.since)],
            authorities=[(self.tsa, self.tsa_chain.certificates, self.since)],
            certificate_authorities=[(self.fulcio, self.ca.certificates, self.since)],
            ct_logs=[(self.ct_log, public_of(self.ct_key), self.since)],
        )

    @cached_property
    def signing_config(self) -> bytes:
        """The SigningConfig: where to sign."""
        document = {
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": [self._service(self.fulcio, 1)],
            "oidcUrls": [self._service(self.person.issuer.url, 1)],
            "rekorTlogUrls": [self._service(self.rekor, 2)],
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaUrls": [self._service(self.tsa, 1)],
            "tsaConfig": {"selector": "ANY"},
        }
        return dumps_json(document)

    def file(self, name: str, data: bytes) -> Path:
        """Write a file among its files."""
        path = self.home / name
        path.write_bytes(data)
        return path

    @cached_property
    def trusted_root_file(self) -> Path:
        return self.file("trusted_root.json", self.trusted_root)

    @cached_property
    def signing_config_file(self) -> Path:
        return self.file("signing_config.json", self.signing_config)

    def _service(self, url: str, version: int) -> dict[str, object]:
        window = {"start": format_instant(self.since)}
        return {
            "url": url,
            "majorApiVersion": version,
            "validFor": window,
            "operator": OPERATOR,
        }


def public_of(key: KeyFile) -> PublicKey:
    """Return the public half of a key."""
    return foreign_key_from_pem(key.public.read_bytes())


@contextmanager
def run_instance(home: Path, *, kind: str, log_kind: str) -> Iterator[PeerInstance]:
    """Run an instance until the end.

    Args:
        home: An empty folder of its own.
        kind: Of the keys of CA and timestamp authority.
        log_kind: Of Rekor's key.
    """
    since = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    ca, tsa_chain = write_ca(home, kind, at=since), write_tsa(home, kind, at=since)
    sec1 = PrivateFormat.TraditionalOpenSSL
    ct_key = write_key(home / "ct.pem", "P-256", form=sec1)
    rekor_key = write_key(home / "rekor.pem", log_kind)
    with ExitStack() as stack:
        issuers = stack.enter_context(serve_oidc(people="RS256", ci="ES256"))
        ct_log = stack.enter_context(services.run_ct_log(home, key=ct_key, roots=ca))
        fulcio = services.run_fulcio(
            home, ca=ca, ct_log=ct_log, issuers=_configured(issuers)
        )
        yield PeerInstance(
            home=home,
            kind=kind,
            since=since,
            ca=ca,
            ct_key=ct_key,
            rekor_key=rekor_key,
            tsa_chain=tsa_chain,
            fulcio=stack.enter_context(fulcio),
            ct_log=ct_log,
            rekor=stack.enter_context(services.run_rekor(home, key=rekor_key)),
            tsa=stack.enter_context(services.run_tsa(home, chain=tsa_chain)),
            person=_person(issuers["people"]),
            workload=_workload(issuers["ci"]),
        )


def _configured(issuers: dict[str, OidcIssuer]) -> list[dict[str, str]]:
    types = {"people": "email", "ci": "github-workflow"}
    return [
        {"IssuerURL": issuer.url, "ClientID": AUDIENCE, "Type": types[name]}
        for name, issuer in issuers.items()
    ]


def _person(issuer: OidcIssuer) -> Account:
    secret = issuer.register("alice", sub="7", email=ALICE, email_verified=True)
    return Account(issuer, "alice", secret, ALICE)


def _workload(issuer: OidcIssuer) -> Account:
    """Register a workflow with the claims of GitHub's tokens, which Fulcio asks for."""
    commit, repository = "0123456789abcdef0123456789abcdef01234567", "acme/overlay"
    secret = issuer.register(
        "release",
        sub=f"repo:{repository}:ref:refs/heads/main",
        event_name="push",
        job_workflow_ref=WORKFLOW,
        job_workflow_sha=commit,
        ref="refs/heads/main",
        repository=repository,
        repository_id="1",
        repository_owner="acme",
        repository_owner_id="2",
        repository_visibility="private",
        run_attempt="1",
        run_id="3",
        runner_environment="self-hosted",
        sha=commit,
        workflow="release",
        workflow_ref=WORKFLOW,
        workflow_sha=commit,
    )
    return Account(issuer, "release", secret, f"https://github.com/{WORKFLOW}")
