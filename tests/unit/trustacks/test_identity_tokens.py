# SPDX-License-Identifier: Apache-2.0
"""Identity tokens of a CI, of a browser, and of a code on another device."""

import contextlib
import socket
import threading
import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest

from signer.keyless.http import Http
from signer.keyless.token import parse_token
from tests.simulators.oidc import GITHUB, REQUEST_TOKEN
from tests.simulators.sigstore_http import ALICE, SigstoreHttp
from trustacks.identity_tokens import get_token
from trustacks.identity_tokens.ambient import ambient_token
from trustacks.identity_tokens.browser import browser_token
from trustacks.identity_tokens.device import MAX_WAIT_S, device_token

JOB = (
    "https://ci.example.com/acme/overlay/.github/workflows/release.yml@refs/heads/main"
)


@pytest.fixture
def instance():
    with SigstoreHttp().serving() as running:
        yield running


@pytest.fixture(autouse=True)
def nowhere(monkeypatch):
    """No CI but the one that a test makes."""
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI"):
        monkeypatch.delenv(name, raising=False)


def http():
    return Http(request_s=1, service_s=3, wait=lambda _: None)


def refusal(work) -> str:
    with pytest.raises(Exception) as refused:  # noqa: PT011 - its code is what counts
        work()
    return refused.value.code


# ---------------------------------------------------------------------- CI


def test_github_gives_a_job_its_token(instance, monkeypatch):
    instance.people.job = JOB
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", REQUEST_TOKEN)
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{instance.url}{GITHUB}")
    assert parse_token(ambient_token("sigstore")).subject == JOB


def test_a_job_without_the_permission_is_told_so(monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.delenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", raising=False)
    with pytest.raises(Exception, match="permissions") as refused:
        ambient_token("sigstore")
    assert (refused.value.code, refused.value.exit_code) == ("ambient-token", 3)
    assert "id-token: write" in refused.value.hint


def test_gitlab_gives_a_token_by_a_variable(instance, monkeypatch):
    monkeypatch.setenv("GITLAB_CI", "true")
    assert refusal(lambda: ambient_token("sigstore")) == "ambient-token"
    token = instance.token()
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", token)
    assert ambient_token("sigstore") == token


def test_buildkite_gives_one_by_its_agent(instance, monkeypatch, tmp_path):
    token, agent = instance.token(), tmp_path / "buildkite-agent"
    asked = "oidc request-token --audience sigstore"
    agent.write_text(f'#!/bin/sh\n[ "$*" = "{asked}" ] && echo {token}\n')
    agent.chmod(0o755)
    monkeypatch.setenv("BUILDKITE", "true")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert ambient_token("sigstore") == token


@pytest.mark.parametrize("way", ["auto", "ambient"])
def test_outside_of_every_ci_and_without_a_terminal_there_is_none(way):
    def ask():
        return get_token(
            way, audience="sigstore", issuer=str, http=http(), say=lambda _: None
        )

    assert refusal(ask) == "oidc-token-missing"


# ---------------------------------------------------------------------- browser


def browser(page: str, *, then=()) -> bool:
    """A browser that follows the redirect, and perhaps goes elsewhere before."""

    def go() -> None:
        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_):
                return None

        opener = urllib.request.build_opener(Stay)
        with pytest.raises(urllib.error.HTTPError) as moved:
            opener.open(page, timeout=5)
        back = moved.value.headers["location"]
        moved.value.close()
        for change in then:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(change(back), timeout=5).close()
        with contextlib.suppress(OSError):
            urllib.request.urlopen(back, timeout=5).close()

    threading.Thread(target=go, daemon=True).start()
    return True


def logged_in(instance, open_page=browser, **terms):
    said = []
    token = browser_token(
        instance.issuer,
        client_id="sigstore",
        http=http(),
        say=said.append,
        open_page=open_page,
        **terms,
    )
    return token, said


def test_a_person_logs_in_with_the_browser(instance):
    token, said = logged_in(instance)
    assert parse_token(token).subject == ALICE
    assert said == []


def test_without_a_browser_the_page_is_named(instance):
    token, said = logged_in(instance, lambda page: not browser(page))
    assert parse_token(token).subject == ALICE
    (line,) = said
    query = parse_qs(urlsplit(line.split()[-1]).query)
    assert query["redirect_uri"][0].startswith("http://localhost:")


def test_what_comes_back_of_another_log_in_is_not_taken(instance):
    def forged(back: str) -> str:
        return back.partition("?")[0] + "?code=stolen&state=guessed"

    def elsewhere(back: str) -> str:
        return back.replace("/auth/callback", "/favicon.ico")

    token, _ = logged_in(instance, lambda page: browser(page, then=(forged, elsewhere)))
    assert parse_token(token).subject == ALICE


HOSTILE = {
    "a state of other letters": "?code=stolen&state=%C3%A9",
    "more fields than any": "?" + "&".join(f"a{n}=b" for n in range(64)),
    "a host that is none": None,
}


@pytest.mark.parametrize("query", HOSTILE.values(), ids=HOSTILE)
def test_whatever_a_page_of_this_machine_s_browser_asks_is_not_said(
    instance, query, capfd
):
    """Any web page can ask the listener; a traceback on the terminal is no answer."""

    def forged(back: str) -> str:
        place, _, _ = back.partition("?")
        host = place.partition("//")[2].partition("/")[0]
        return f"{place}{query}" if query else f"http://{host}//[a"

    token, _ = logged_in(instance, lambda page: browser(page, then=(forged,)))
    assert parse_token(token).subject == ALICE
    assert capfd.readouterr().err == ""


def test_a_token_of_another_log_in_is_refused(instance):
    instance.people.changes = {"nonce": "of another"}
    assert refusal(lambda: logged_in(instance)) == "issuer-answer"


def test_a_person_may_say_no(instance):
    instance.people.refuses = "access_denied"
    assert refusal(lambda: logged_in(instance)) == "issuer-refused"


def test_nobody_waits_for_ever(instance):
    work = lambda: logged_in(instance, lambda _: True, patience_s=0)  # noqa: E731
    assert refusal(work) == "issuer-login"


def test_the_listener_is_of_this_machine_only(instance):
    ports = []

    def page(url: str) -> bool:
        back = parse_qs(urlsplit(url).query)["redirect_uri"][0]
        ports.append(urlsplit(back).port)
        return browser(url)

    logged_in(instance, page)
    with socket.socket() as probe:
        probe.settimeout(1)
        assert probe.connect_ex(("127.0.0.1", ports[0])) != 0  # it has ended


ELSEWHERE = {
    "another issuer": {"issuer": "https://evil.example.com"},
    "an endpoint without TLS": {"authorization_endpoint": "http://evil.example.com"},
    "no token endpoint": {"token_endpoint": ""},
}


@pytest.mark.parametrize("changes", ELSEWHERE.values(), ids=ELSEWHERE)
def test_an_issuer_that_leads_elsewhere_is_not_followed(instance, changes):
    instance.people.changes = changes
    code = refusal(lambda: logged_in(instance))
    assert code in {"issuer-answer", "unsafe-service-address"}
    assert instance.people.asked == ["/issuer/.well-known/openid-configuration"]


# ---------------------------------------------------------------------- device


def on_a_device(instance):
    said, waits = [], []
    token = device_token(
        instance.issuer,
        client_id="sigstore",
        http=http(),
        say=said.append,
        wait=waits.append,
    )
    return token, said, waits


def test_a_person_logs_in_on_another_device(instance):
    instance.people.pending, instance.people.slow_down = 2, 1
    token, said, waits = on_a_device(instance)
    assert parse_token(token).subject == ALICE
    assert said == [
        f"open {instance.issuer}/activate on any device and enter ABCD-EFGH"
    ]
    assert waits == [2, 7, 7, 7]


def test_a_person_who_does_not_come_ends_it(instance):
    instance.people.pending = 999
    instance.people.changes = {"expires_in": 10**6}
    waits = []

    def ask():
        return device_token(
            instance.issuer,
            client_id="sigstore",
            http=http(),
            say=lambda _: None,
            wait=waits.append,
        )

    assert refusal(ask) == "issuer-login"
    assert sum(waits) <= MAX_WAIT_S + 2


REFUSED = {
    "no": ({"refuses": "access_denied"}, "issuer-refused"),
    "an expired code": ({"refuses": "expired_token"}, "issuer-refused"),
    "no place for codes": (
        {"changes": {"device_authorization_endpoint": None}},
        "issuer-answer",
    ),
    "an interval that nobody lives to see the end of": (
        {"changes": {"interval": 2**40}},
        "issuer-login",
    ),
    "a code that draws on the terminal": (
        {"changes": {"user_code": "A\nB\x1b[2J"}},
        "issuer-answer",
    ),
    "a page elsewhere": (
        {"changes": {"verification_uri": "http://evil.example.com"}},
        "unsafe-service-address",
    ),
}


@pytest.mark.parametrize(("settings", "code"), REFUSED.values(), ids=REFUSED)
def test_a_device_is_refused(instance, settings, code):
    for name, value in settings.items():
        setattr(instance.people, name, value)
    waits = []

    def ask():
        device_token(
            instance.issuer,
            client_id="sigstore",
            http=http(),
            say=lambda _: None,
            wait=waits.append,
        )

    assert refusal(ask) == code
    assert sum(waits) <= MAX_WAIT_S


def test_an_issuer_that_is_not_there():
    gone = SigstoreHttp(url="http://127.0.0.1:1")
    assert refusal(lambda: logged_in(gone)) == "issuer-unavailable"
    assert refusal(lambda: on_a_device(gone)) == "issuer-unavailable"
