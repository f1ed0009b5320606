# SPDX-License-Identifier: Apache-2.0
"""Tokens: one thread at a time, one session, and a PIN that is wrong but once."""

import sys
import threading
from pathlib import Path

import pkcs11
import pytest

from keys.errors import (
    ConfigurationError,
    KeyAccessDeniedError,
    KeyAnswerError,
    KeyNotFoundError,
    KeyProviderMissingError,
    KeyTimeoutError,
    KeyUnavailableError,
)
from keys.providers import open_signing_key
from keys.providers.deadline import within
from keys.providers.limits import MAX_CALLS, MAX_PIN_BYTES
from keys.providers.opening import Opening
from keys.providers.pkcs11.login import read_pin
from keys.providers.pkcs11.uri import Pkcs11Uri
from tests.simulators.hsm import PINS, Fault
from tests.simulators.key_providers import Tokens

THREADS, EACH = 8, 25


class Asked:
    """Answers what a provider asks, and remembers who asked for what."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.prompts: list[str] = []
        self.threads: list[threading.Thread] = []

    def __call__(self, prompt: str) -> str:
        self.prompts.append(prompt)
        self.threads.append(threading.current_thread())
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def right() -> Asked:
    return Asked(PINS["acme-root"])


def log_out(hsm, uri) -> None:
    """Break the token, so that whoever comes next has to log in."""
    key = open_signing_key(uri, right())
    with hsm.fault(Fault.BROKEN), pytest.raises(KeyUnavailableError):
        key.sign(b"message")


@pytest.fixture
def uri(hsm):
    return Tokens(hsm).make()


def test_calls_of_many_threads_and_keys_do_not_overlap(hsm):
    tokens = Tokens(hsm)
    keys = [open_signing_key(tokens.make(), right()) for _ in range(2)]
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for _ in range(EACH):
                keys[number % 2].sign(b"message")
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert hsm.count("overlaps") == 0


def test_a_token_is_logged_in_to_once_for_all_its_keys(hsm, uri):
    open_signing_key(uri, right())
    before, asked = hsm.count("logins"), right()

    key = open_signing_key(uri, asked)
    open_signing_key(Tokens(hsm).make(), asked).sign(b"message")
    key.sign(b"message")

    assert hsm.count("logins") == before
    assert asked.prompts == []


def test_a_lost_session_is_opened_once_more(hsm, uri):
    asked = right()
    key = open_signing_key(uri, asked)
    asked.prompts.clear()

    with hsm.fault(Fault.LOSES, times=1):
        key.public_key.verify(key.sign(b"message"), b"message")

    assert asked.prompts == ["pin for acme-root"]
    assert set(asked.threads) == {threading.current_thread()}


def test_a_session_that_is_lost_again_and_again_is_given_up(hsm, uri):
    key = open_signing_key(uri, right())
    before = hsm.count("logins")

    with hsm.fault(Fault.LOSES, times=100), pytest.raises(KeyUnavailableError) as lost:
        key.sign(b"message")

    assert lost.value.code == "key-session-lost"
    assert hsm.count("logins") == before + 1
    key.public_key.verify(key.sign(b"message"), b"message")


def test_a_wrong_pin_reaches_the_token_once(hsm):
    uri, wrong = hsm.uri("any", token="acme-wrong"), Asked("111111")
    before = hsm.count("logins")

    for _ in range(5):
        with pytest.raises(KeyAccessDeniedError) as refused:
            open_signing_key(uri, wrong)
        assert "111111" not in str(refused.value.to_json())

    assert hsm.count("logins") == before + 1
    with pytest.raises(KeyNotFoundError):
        open_signing_key(uri, Asked(PINS["acme-wrong"]))


def test_the_pin_is_asked_for_in_the_callers_thread_however_long_it_takes(hsm):
    hsm.order("make", token="acme-spare", kind="P-256", label="slow", key_id="01")

    def person(prompt: str) -> str:
        threading.Event().wait(1.5)
        return PINS[prompt.removeprefix("pin for ")]

    key = open_signing_key(hsm.uri("slow", token="acme-spare"), person, deadline_s=1)

    key.public_key.verify(key.sign(b"message"), b"message")


PIN_FILES = {
    "a line": (b"4321\n", 0o600, None),
    "no newline": (b"4321", 0o640, None),
    "a line of DOS": (b"4321\r\n", 0o400, None),
    "at the bound": (b"4" * MAX_PIN_BYTES, 0o600, None),
    "one past it": (b"4" * (MAX_PIN_BYTES + 1), 0o600, "key-access-denied"),
    "far beyond it": (b"4" * (MAX_PIN_BYTES + 3), 0o600, "limit-exceeded"),
    "for everybody": (b"4321\n", 0o604, "key-access-denied"),
    "two lines": (b"4321\n\n", 0o600, "key-access-denied"),
    "empty": (b"", 0o600, "key-access-denied"),
    "not UTF-8": (b"\xff", 0o600, "key-access-denied"),
    "not there": (None, 0, "key-access-denied"),
}


@pytest.mark.parametrize(("content", "mode", "code"), PIN_FILES.values(), ids=PIN_FILES)
def test_a_pin_file_is_one_line_that_not_everybody_reads(tmp_path, content, mode, code):
    path, opening = tmp_path / "pin", Opening("pkcs11", Asked("never"))
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    uri = Pkcs11Uri.parse(f"token=t;object=o?pin-source=file:{path}")

    if code is None:
        assert read_pin(uri, opening) == content.decode().strip()
        return
    with pytest.raises(Exception) as refused:  # noqa: PT011 (its code is asserted)
        read_pin(uri, opening)
    assert refused.value.code == code
    assert "4321" not in str(refused.value.to_json())


def test_the_pin_file_of_the_uri_opens_the_token_and_nobody_is_asked(
    hsm, uri, tmp_path
):
    path = tmp_path / "pin"
    path.write_text(PINS["acme-root"])
    path.chmod(0o600)
    log_out(hsm, uri)

    key = open_signing_key(f"{uri}&pin-source=file:{path}", Asked("never"))

    key.public_key.verify(key.sign(b"message"), b"message")


def test_a_name_of_two_keys_opens_neither(hsm):
    for key_id in ("a1", "a2"):
        hsm.order("make", kind="P-256", label="twin", key_id=key_id)

    with pytest.raises(KeyNotFoundError) as refused:
        open_signing_key(hsm.uri("twin"), right())
    assert "got 2" in refused.value.message

    one = hsm.uri("twin").replace("object=twin", "object=twin;id=%A1")
    assert open_signing_key(one, right()).public_key


def test_a_token_of_another_name_is_not_there(hsm):
    with pytest.raises(KeyNotFoundError):
        open_signing_key(hsm.uri("any", token="nobody"), right())
    model = hsm.uri("any").replace("token=acme-root", "token=acme-root;model=Another")
    with pytest.raises(KeyNotFoundError):
        open_signing_key(model, right())


def test_a_key_without_its_public_half_is_not_opened(hsm, uri):
    label = uri.partition("object=")[2].partition("?")[0]
    hsm.order("destroy", label=label, public_only=True)

    with pytest.raises(KeyNotFoundError, match="public key"):
        open_signing_key(uri, right())


def test_a_key_that_wants_its_pin_every_time_gets_it(hsm):
    hsm.order("make", kind="P-256", label="piv", key_id="9c", always=True)
    asked = right()
    key = open_signing_key(hsm.uri("piv"), asked)
    asked.prompts.clear()

    for _ in range(2):
        key.public_key.verify(key.sign(b"message"), b"message")

    assert asked.prompts == ["pin for acme-root"] * 2


def test_a_call_that_hangs_keeps_nobody_waiting_and_no_second_call_comes_between(
    hsm, uri
):
    key = open_signing_key(uri, right(), deadline_s=1)

    with hsm.fault(Fault.HANGS):
        for _ in range(2):
            with pytest.raises(KeyTimeoutError):
                key.sign(b"message")

    again = open_signing_key(uri, right())
    again.public_key.verify(again.sign(b"message"), b"message")
    assert hsm.count("overlaps") == 0


def test_a_login_that_hangs_is_left_in_time(hsm, uri):
    log_out(hsm, uri)

    with hsm.fault(Fault.OPEN_HANGS), pytest.raises(KeyTimeoutError):
        open_signing_key(uri, right(), deadline_s=1)

    assert open_signing_key(uri, right()).sign(b"message")


def test_a_token_that_breaks_in_a_search_says_so_once(hsm, uri, capfd):
    open_signing_key(uri, right())
    other = Tokens(hsm).make()

    for _ in range(2):
        with hsm.fault(Fault.BROKEN), pytest.raises(KeyUnavailableError):
            open_signing_key(other, right())
        assert open_signing_key(uri, right()).sign(b"message")

    assert capfd.readouterr().err == ""


def test_keys_that_are_opened_again_and_again_leave_no_sessions(hsm, uri):
    open_signing_key(uri, right())
    before = hsm.count("sessions")

    for _ in range(20):
        open_signing_key(uri, right()).sign(b"message")
        with pytest.raises(KeyNotFoundError):
            open_signing_key(hsm.uri("nothing"), right())

    assert hsm.count("sessions") == before


@pytest.mark.parametrize("fault", [Fault.SHORT, Fault.LONG])
def test_a_signature_of_another_length_is_no_answer(hsm, uri, fault):
    key = open_signing_key(uri, right())

    with hsm.fault(fault), pytest.raises(KeyAnswerError):
        key.sign(b"message")


def test_the_library_may_be_configured(hsm, uri):
    bare = uri.partition("?")[0]

    key = open_signing_key(bare, right(), pkcs11_module=hsm.module)
    key.sign(b"message")

    with pytest.raises(ConfigurationError) as refused:
        open_signing_key(bare, right())
    assert "TRUSTACKS_PKCS11_MODULE" in refused.value.hint


@pytest.mark.parametrize("kind", ["missing", "not a library", "another library"])
def test_a_library_that_is_none_is_said(hsm, tmp_path, kind):
    path = tmp_path / "library.so"
    if kind == "not a library":
        path.write_bytes(b"\x7fELF" + bytes(100))
    if kind == "another library":
        path = Path(pkcs11._pkcs11.__file__)

    with pytest.raises(KeyProviderMissingError) as refused:
        open_signing_key(f"pkcs11:token=t;object=o?module-path={path}", right())
    assert str(path.name) in refused.value.message


def test_without_python_pkcs11_the_hint_names_the_extra(monkeypatch):
    for name in list(sys.modules):
        if name.startswith("keys.providers.pkcs11."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pkcs11", None)

    with pytest.raises(KeyProviderMissingError) as refused:
        open_signing_key("pkcs11:token=t;object=o?module-path=/p.so", right())

    assert "trustacks[hsm]" in refused.value.hint


def test_calls_that_hang_are_bounded():
    hang = threading.Event()

    def wait() -> None:
        hang.wait(30)

    for _ in range(MAX_CALLS):
        with pytest.raises(KeyTimeoutError):
            within(0.001, wait, what="a provider")
    with pytest.raises(KeyUnavailableError) as refused:
        within(0.001, wait, what="a provider")
    assert refused.value.code == "key-unavailable"

    hang.set()
    assert within(30, lambda: "done", what="a provider") == "done"


def test_what_a_call_raises_is_raised():
    def fail() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        within(30, fail, what="a provider")
