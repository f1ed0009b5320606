# SPDX-License-Identifier: Apache-2.0
"""OIDC identities act in a workspace: rules, approvals and releases without a key.

Once by the Control Plane's own instance, and once by an instance of somebody else's,
whose timestamp authority is the time from outside.
"""

import re
import threading
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from signer.attestation import parse_attestation
from signer.keyless.http import Http
from signer.keyless.token import parse_token
from tests.simulators.plane import RULE, git, overlay_repository, planted
from tests.simulators.sigstore_http import SigstoreHttp
from trustacks.identity_tokens.browser import browser_token
from trustacks.identity_tokens.device import device_token

CI = "https://ci.example.com/acme/overlay/.github/workflows/release.yml@refs/heads/main"
ANN = "ann@example.com"


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    with planted(tmp_path_factory.mktemp("plane")) as running:
        yield running


@pytest.fixture(scope="module")
def outside():
    with SigstoreHttp().serving() as running:
        yield running


@pytest.fixture(scope="module")
def services(plane, outside, tmp_path_factory):
    """The documents of the instance outside, once admins have pinned it."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "root.json").write_bytes(outside.trusted_root())
    (folder / "config.json").write_bytes(outside.signing_config())
    plane.admin.must(
        *("trust", "instance", "add", "outside", "--custody", "external"),
        *("--trusted-root", folder / "root.json", "--oidc-issuer", outside.issuer),
        *("--tsa-custody", "external"),
    )
    return "--signing-config", folder / "config.json"


def claimed(plane, name: str, subject: str, instance: str, issuer: str, *permissions):
    """Have the admin register an OIDC subject."""
    may = [word for one in permissions for word in ("--permission", one)]
    plane.admin.must(
        *("identity", "register", name, "--principal", f"{name}@acme.example", *may),
        *("--namespace", "acme", "--instance", instance, "--oidc-issuer", issuer),
        *("--oidc-subject", subject),
    )


@pytest.fixture
def drafted(plane, tmp_path):
    repository = overlay_repository(tmp_path / "policy")
    words = ("rule", "new", RULE, "--from", "change-calendar", "--overlay", repository)
    plane.alice.must(*words)
    return repository


def attested(repository, rule=RULE):
    raw = (repository / f"overlay/rules/{rule}/{rule}.sigstore.json").read_bytes()
    return parse_attestation(raw)


def commit(repository) -> None:
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "Change")


def test_an_account_of_the_control_plane_signs_and_releases(plane, drafted):
    claimed(
        plane, "alice.oidc", "alice@acme.localhost", "embedded", plane.url, "author"
    )
    claimed(plane, "ci.oidc", "ci@acme.localhost", "embedded", plane.url, "release")
    here = ("--overlay", drafted)

    done = plane.alice.must("rule", "sign", RULE, *here, "--oidc", "account", "--json")

    assert done.value["signed"][0]["identity"] == "alice.oidc"
    assert "as alice.oidc, alice.oidc@acme.example: alice@acme.localhost" in done.err
    assert attested(drafted).leaf.subject == "alice@acme.localhost"
    assert len(attested(drafted).timestamps) == 1
    commit(drafted)
    released = plane.ci.must("bundle", "release", *here, "--oidc", "account", "--json")
    assert released.value["statement"]["identity"] == "ci.oidc"
    plane.ci.must("bundle", "reaffirm", "--oidc", "account")
    plane.ci.must("bundle", "verify")
    plane.alice.must("runner", "step", "--state", plane.runner)


def test_a_token_that_the_control_plane_does_not_speak_for_never_goes_there(
    plane, drafted, outside, tmp_path
):
    """Whoever got it there would be its bearer at the instance that does."""
    token = tmp_path / "token"
    token.write_text(outside.token(CI))
    here = ("--overlay", drafted, "--identity-token-file", token)
    ended = plane.alice("rule", "sign", RULE, *here)
    assert (ended.exit_code, ended.code) == (1, "oidc-token-issuer")
    assert "--signing-config" in ended.err
    assert token.read_text() not in ended.err + ended.out


def test_somebody_elses_instance_certifies_and_its_authority_says_when(
    plane, drafted, outside, services, tmp_path
):
    claimed(plane, "ann", ANN, "outside", outside.issuer, "author")
    claimed(plane, "pipeline", CI, "outside", outside.issuer, "release")
    here = ("--overlay", drafted)
    token = tmp_path / "token"
    token.write_text(outside.token(ANN))
    mine = (*services, "--identity-token-file", token)

    signed = plane.alice.must("rule", "sign", RULE, *here, *mine, "--again", "--json")

    assert signed.value["signed"][0]["identity"] == "ann"
    assert len(attested(drafted).timestamps) == 2
    assert outside.entries == 0
    commit(drafted)
    token.write_text(outside.token(CI))
    released = plane.ci.must("bundle", "release", *here, *mine, "--json")
    assert released.value["statement"]["identity"] == "pipeline"
    plane.alice.must("runner", "step", "--state", plane.runner)


def test_a_file_in_a_workspace(plane, outside, services, tmp_path):
    claimed(plane, "bob", "bob@example.com", "outside", outside.issuer, "author")
    file, token = tmp_path / "file", tmp_path / "token"
    file.write_text("a file")
    token.write_text(outside.token("bob@example.com"))
    mine = (*services, "--identity-token-file", token)
    plane.alice.must("sign", file, *mine)
    plane.alice.must("verify", file)


def test_who_is_not_registered_signs_nothing(
    plane, drafted, outside, services, tmp_path
):
    token = tmp_path / "token"
    token.write_text(outside.token("mallory@example.com"))
    mine = (*services, "--identity-token-file", token)
    asked = len(outside.asked)
    ended = plane.alice("rule", "sign", RULE, "--overlay", drafted, *mine)
    assert (ended.exit_code, ended.code) == (1, "unknown-signer")
    assert outside.asked[asked:] == ["/sigstore/fulcio/api/v2/signingCert"]


def test_an_admin_needs_a_key(plane, outside, services):
    ended = plane.admin(
        *("identity", "register", "root", "--principal", "root@acme.example"),
        *("--permission", "admin", "--namespace", "*", "--instance", "outside"),
        *("--oidc-issuer", outside.issuer, "--oidc-subject", "root@example.com"),
    )
    assert (ended.exit_code, ended.code) == (1, "admin-needs-key")


def test_a_person_logs_in_at_the_control_plane_with_a_browser_or_a_code(plane):
    """Our client of an issuer, at the issuer that the embedded instance brings."""
    secret = plane.root.with_name("alice.token").read_text().strip()
    http = Http(wait=lambda _: None)

    def browser(page: str) -> bool:
        def log_in() -> None:
            parts = urlsplit(page)
            form = {n: one for n, (one,) in parse_qs(parts.query).items()}
            done = httpx.post(
                f"{plane.url}{parts.path}", data={**form, "api_token": secret}
            )
            httpx.get(done.headers["location"])

        threading.Thread(target=log_in, daemon=True).start()
        return True

    def device(line: str) -> None:
        form = {"user_code": line.rsplit(maxsplit=1)[-1], "api_token": secret}
        place = re.search(r"open (\S+)", line)[1]
        assert httpx.post(place, data=form).status_code == 200

    terms = {"client_id": "sigstore", "http": http}
    by_browser = browser_token(plane.url, say=print, open_page=browser, **terms)
    by_code = device_token(plane.url, say=device, **terms)
    found = {parse_token(one).others["email"] for one in (by_browser, by_code)}
    assert found == {"alice@acme.localhost"}
