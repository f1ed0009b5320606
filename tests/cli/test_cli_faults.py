# SPDX-License-Identifier: Apache-2.0
"""A full disk and Ctrl-C: one line, nothing half-written, and the next run just works."""

import os
import signal
import socket
import threading
from pathlib import Path

import pytest

from tests.simulators.plane import RULE, git, tree

# Bytes that fit: git's own small files do, what the command writes does not.
FULL = 1200


def test_a_full_disk_leaves_no_key(cli, tmp_path):
    ended = cli.child("keys", "create", "author", cwd=tmp_path, limit_bytes=16)
    assert (ended.exit_code, ended.code) == (3, "storage-unavailable")
    assert tree(cli.home) == {}
    cli.must("keys", "create", "author")


def test_a_full_disk_leaves_no_rule_and_no_branch(alice, repository):
    words = ("rule", "new", RULE, "--from", "change-calendar")
    ended = alice.child(*words, cwd=repository, limit_bytes=FULL)
    assert (ended.exit_code, ended.code) == (3, "storage-unavailable")
    assert tree(repository) == {}
    assert git(repository, "branch", "--show-current") == "main"
    assert git(repository, "branch", "--list", "policy/*") == ""
    alice.must(*words, "--overlay", repository)


def test_a_full_disk_leaves_no_attestation(alice, drafted):
    before = tree(drafted)
    ended = alice.child("rule", "sign", RULE, cwd=drafted, limit_bytes=FULL)
    assert (ended.exit_code, ended.code) == (3, "storage-unavailable")
    assert tree(drafted) == before
    alice.must("rule", "sign", RULE, "--overlay", drafted)


def test_a_full_disk_leaves_the_old_login(alice, plane, tmp_path):
    token = plane.root.with_name("alice.token")
    words = ("login", "--url", plane.url, "--workspace", "acme", "--token-file", token)
    before = (alice.home / "config.yaml").read_bytes()
    ended = alice.child(*words, cwd=tmp_path, limit_bytes=16)
    assert (ended.exit_code, ended.code) == (3, "storage-unavailable")
    assert (alice.home / "config.yaml").read_bytes() == before
    assert not list(alice.home.rglob(".tmp-*"))
    alice.must(*words)


OUTPUTS = {
    "bundle build": ("bundle", "build", "--out", "out"),
    "audit export": ("audit", "export", "--out", "out"),
    "keys show": ("keys", "show", "--out", "out"),
    "workspace token create": (
        *("workspace", "token", "create", "--role", "author", "--subject", "x"),
        *("--out", "out"),
    ),
}


@pytest.mark.parametrize("words", OUTPUTS.values(), ids=OUTPUTS)
def test_a_full_disk_leaves_no_output(admin, alice, drafted, words):
    alice.must("rule", "sign", RULE, "--overlay", drafted)
    person = alice if words[0] == "keys" else admin
    before = tree(drafted)
    ended = person.child(*words, cwd=drafted, limit_bytes=16)
    assert (ended.exit_code, ended.code) == (3, "storage-unavailable")
    assert tree(drafted) == before
    assert person.child(*words, cwd=drafted).exit_code == 0


def test_a_full_disk_holds_the_runner_and_the_next_step_goes_on(admin, plane, tmp_path):
    # The Runner itself: a copy that reports would fork its chain.
    folder = plane.runner
    ended = admin.child(
        "runner", "step", "--state", folder, "--json", cwd=tmp_path, limit_bytes=FULL
    )
    assert (ended.exit_code, ended.code) == (3, "storage-unavailable")
    assert not list(folder.rglob(".tmp-*"))
    again = admin("runner", "step", "--state", folder, "--json").value
    assert again["code"] != "storage-unavailable"


@pytest.fixture
def mute():
    """A server that takes calls and never answers."""
    called = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = []

        def take():
            while True:
                try:
                    taken.append(listener.accept()[0])
                except OSError:
                    return
                called.set()

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", called
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    for connection in taken:
        connection.close()


WAITING = {
    "status": ("status",),
    "rule sign": ("rule", "sign", RULE),
    "bundle release": ("bundle", "release"),
    "audit export": ("audit", "export", "--out", "out"),
    "identity register": (
        *("identity", "register", "x", "--principal", "p", "--permission", "author"),
        *("--namespace", "acme", "--proof-out", "out"),
    ),
    "sign": ("sign", "plain.txt"),
}


@pytest.mark.parametrize("words", WAITING.values(), ids=WAITING)
def test_ctrl_c_while_waiting_for_the_server(alice, plane, drafted, mute, words):
    url, called = mute
    config = alice.home / "config.yaml"
    good = config.read_text()
    config.write_text(good.replace(plane.url, url))
    (drafted / "plain.txt").write_text("plain")
    before = tree(drafted)
    ended = _interrupt(alice, words, drafted, lambda _: called.is_set())
    assert ended == (3, "", "trustacks: interrupted [interrupted]\n")
    assert tree(drafted) == before
    assert not list(alice.home.rglob(".tmp-*"))
    config.write_text(good)
    alice.must("rule", "sign", RULE, "--overlay", drafted)


def test_ctrl_c_while_a_rule_is_tested(alice, drafted):
    path = next(drafted.rglob(f"{RULE}_test.rego"))
    good = path.read_text()
    burn = "numbers.range(1, 3000)"
    path.write_text(
        f"{good}\ntest_allows_long if {{\n\tsome a in {burn}\n\tsome b in {burn}\n"
        "\ta + b < 0\n}\n"
    )
    code, out, err = _interrupt(alice, ("rule", "test", RULE), drafted, _has_child)
    assert (code, out, err) == (3, "", "trustacks: interrupted [interrupted]\n")
    path.write_text(good)
    alice.must("rule", "test", RULE, "--overlay", drafted)


def _has_child(process) -> bool:
    """Whether the engine's child was started, a moment ago."""
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    if listed:
        threading.Event().wait(0.5)
    return bool(listed)


def _interrupt(person, words, cwd, ready):
    """Start a command, press Ctrl-C once it is ready, and see how it ends.

    A terminal sends the signal to every process of the group, the engine's too.
    """
    with person.start(*words, cwd=cwd) as process:
        for _ in range(12_000):  # two minutes, of which a free machine needs one second
            if ready(process) or process.poll() is not None:
                break
            threading.Event().wait(0.01)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    return process.returncode, out, err
