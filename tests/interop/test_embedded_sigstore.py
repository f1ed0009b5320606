# SPDX-License-Identifier: Apache-2.0
"""The stock Python client signs and verifies against the embedded instance of a server.

Over the wire, at a real server process; what it made, our verifier accepts offline.
"""

import html
import json
import re
import webbrowser
from datetime import timedelta

import httpx
import pytest
from sigstore.dsse import Statement, StatementBuilder, Subject
from sigstore.models import Bundle, SigningConfig, TrustedRoot
from sigstore.oidc import IdentityToken, Issuer
from sigstore.sign import SigningContext
from sigstore.verify import Verifier, policy

from keys.clock import utc_now
from keys.digest import Digest
from keys.strict import b64decode, b64encode
from signer import statement as statements
from signer.predicates.artifact import ArtifactPredicate
from signer.signer_policy import IdentityPolicy
from signer.subject_pattern import SubjectPattern
from signer.trusted_root import TrustedRoot as OurRoot
from signer.verify_bundle import verify_bundle
from tests.simulators.plane import planted

ARTIFACT = b"a file of the platform team\n"
ALICE = "alice@acme.localhost"


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    with planted(tmp_path_factory.mktemp("sigstore")) as found:
        yield found


@pytest.fixture(scope="module")
def files(plane, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for name in ("trusted-root", "signing-config"):
        plane.alice.must("sigstore", name, "--out", folder / f"{name}.json")
    return folder


@pytest.fixture(scope="module")
def api_token(plane):
    return plane.root.with_name("alice.token").read_text().strip()


@pytest.fixture
def token(plane):
    return plane.alice.must("sigstore", "token").out.strip()


@pytest.fixture(scope="module")
def context(files):
    config = SigningConfig.from_file(str(files / "signing-config.json"))
    return SigningContext(
        fulcio=config.get_fulcio(),
        rekor=config.get_tlogs()[0],
        trusted_root=TrustedRoot.from_file(str(files / "trusted-root.json")),
        tsa_clients=config.get_tsas(),
    )


@pytest.fixture(scope="module")
def verifier(files):
    root = TrustedRoot.from_file(str(files / "trusted-root.json"))
    return Verifier(trusted_root=root)


def wanted(plane, identity=ALICE):
    return policy.AllOf(
        [policy.Identity(identity=identity), policy.OIDCIssuerV2(plane.url)]
    )


def ours(plane, files, raw: str, **changes):
    """Judge a bundle by our own verifier, offline."""
    subject = SubjectPattern.exactly(changes.pop("subject", ALICE))
    return verify_bundle(
        raw.encode(),
        artifact=ARTIFACT,
        trusted_root=OurRoot.parse((files / "trusted-root.json").read_bytes()),
        policy=IdentityPolicy(issuer=plane.url, subject=subject, authorities=1),
        **changes,
    )


def test_it_signs_a_statement_and_everybody_verifies(
    plane, files, context, verifier, token
):
    said = (
        StatementBuilder()
        .subjects([Subject(name="file", digest={"sha256": Digest.of(ARTIFACT).hex})])
        .predicate_type("https://example.com/note/v1")
        .predicate({"note": "reviewed"})
        .build()
    )
    with context.signer(IdentityToken(token)) as signer:
        raw = signer.sign_dsse(said).to_json()

    _, payload = verifier.verify_dsse(Bundle.from_json(raw), wanted(plane))
    assert json.loads(payload)["predicate"] == {"note": "reviewed"}
    assert ours(plane, files, raw)


def test_it_signs_a_file_and_everybody_verifies(plane, files, context, verifier, token):
    with context.signer(IdentityToken(token)) as signer:
        raw = signer.sign_artifact(ARTIFACT).to_json()
        again = signer.sign_artifact(ARTIFACT + b"!").to_json()

    verifier.verify_artifact(ARTIFACT, Bundle.from_json(raw), wanted(plane))
    assert ours(plane, files, raw)
    assert not ours(plane, files, raw, subject="bob@acme.localhost")
    assert not ours(plane, files, again)


def browse(api_token):
    """What somebody does in a browser: follow, fill the form in, follow."""

    def opened(url: str) -> bool:
        with httpx.Client(trust_env=False, follow_redirects=True) as browser:
            page = browser.get(url)
            found = re.findall(r'type="hidden" name="(.*?)" value="(.*?)"', page.text)
            form = {name: html.unescape(value) for name, value in found}
            place = page.url.join(re.search(r'action="(.*?)"', page.text)[1])
            done = browser.post(place, data=form | {"api_token": api_token})
        return done.status_code == 200

    return opened


# It never closes the socket that the redirect comes to.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_it_logs_in_by_a_browser(plane, api_token, monkeypatch):
    monkeypatch.setattr(webbrowser, "open", browse(api_token))

    found = Issuer(plane.url).identity_token()

    assert (found.identity, found.issuer) == (ALICE, plane.url)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_it_logs_in_out_of_band(plane, api_token, monkeypatch, capsys):
    def typed(_prompt: str) -> str:
        url = re.search(r"http://\S+", capsys.readouterr().err)[0]
        with httpx.Client(trust_env=False) as browser:
            form = dict(httpx.URL(url).params) | {"api_token": api_token}
            page = browser.post(f"{plane.url}/oidc/authorize", data=form)
        return re.search(r"<pre>(.*?)</pre>", page.text)[1]

    monkeypatch.setattr("builtins.input", typed)

    assert Issuer(plane.url).identity_token(force_oob=True).identity == ALICE


def test_its_attestation_of_a_registered_subject_counts(plane, context, token, files):
    """A keyless identity of the embedded issuer; the body comes after its entry."""
    terms = ("--principal", "ada@acme.example")
    claim = ("--instance", "embedded", "--oidc-issuer", plane.url)
    plane.admin.must(
        *("identity", "register", "keyless-alice", *terms, *claim),
        *("--oidc-subject", ALICE, "--permission", "author", "--namespace", "acme"),
    )
    predicate = ArtifactPredicate(
        workspace=Digest.of(plane.root.read_bytes()),
        identity="keyless-alice",
        signed_at=utc_now() - timedelta(seconds=1),
    )
    subject = statements.Subject("file", Digest.of(ARTIFACT))
    said = statements.build_statement([subject], predicate)
    with context.signer(IdentityToken(token)) as signer:
        raw = signer.sign_dsse(Statement(said)).to_json()

    with httpx.Client(base_url=plane.url, trust_env=False) as http:
        http.headers["authorization"] = (
            f"Bearer {plane.admin_token.read_text().strip()}"
        )
        path = "/v1/workspaces/acme/attestations"
        answer = http.post(path, json={"attestation": b64encode(raw.encode())})
    assert answer.status_code == 200, answer.text
    entry = json.loads(raw)["verificationMaterial"]["tlogEntries"][0]
    assert answer.json()["index"] == int(entry["logIndex"])
    file, kept = files / "file", files / "file.sigstore.json"
    file.write_bytes(ARTIFACT)
    kept.write_bytes(b64decode(answer.json()["attestation"]))
    plane.alice.must("trust", "instance", "list")  # the newest trust, for offline
    shown = json.loads(plane.alice.must("verify", file, "--json").out)
    assert shown["accepted"] is True
    assert shown["facts"]["identity"] == "keyless-alice"
