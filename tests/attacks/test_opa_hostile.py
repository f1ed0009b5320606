# SPDX-License-Identifier: Apache-2.0
"""An ``opa`` that is not one, and rules that are meant for the real one's undoing.

Whatever the executable does, the question ends in time with a coded error, nothing of
it is left running, and no answer is read as "nothing was denied".
"""

import time
from pathlib import Path

import pytest

from bundle.rego.both import BothEngines
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import Module
from bundle.rego.errors import EvaluationError, OpaUnsuitableError
from bundle.rego.limits import MAX_MESSAGE_BYTES, Limits
from bundle.rego.opa import OpaEngine
from bundle.rego.opinion import second_opinion
from tests.simulators.opa import installed_opa, stand_in

QUICK = Limits(evaluate_seconds=0.5)
RULE = Module("rules/a.rego", 'package overlay.a\n\ndeny contains "x" if input.x\n')
DENY = "data.overlay.a.deny"


@pytest.fixture(scope="module")
def reader():
    with EmbeddedEngine() as engine:
        yield engine


def refusal(reader, path, module=RULE, limits=QUICK):
    """Ask, and return the error."""
    engine = OpaEngine(reader, path=path, limits=limits)
    begin = time.monotonic()
    with pytest.raises(EvaluationError) as caught:
        engine.load([module]).evaluate(DENY, {"x": 1})
    assert time.monotonic() - begin < 15
    return caught.value


STAND_INS = {
    "it prints rubbish": ("echo hello", "evaluation-crash"),
    "it prints nothing": ("exit 0", "evaluation-crash"),
    "it prints half of JSON": ("printf '{\"result\"'", "evaluation-crash"),
    "it prints a list": ("echo '[]'", "evaluation-crash"),
    "it prints the same key twice": ('echo \'{"a":1,"a":2}\'', "evaluation-crash"),
    "it prints JSON without an answer": ("echo '{}'", "evaluation-crash"),
    "it answers what nobody asked": (
        """echo '{"result":[{"expressions":[{"value":{"answer":{"0":[]}}}]}]}'""",
        "evaluation-crash",
    ),
    "it answers another question's nonce": (
        """echo '{"result":[{"expressions":[{"value":{"nonce":"00"}}]}]}'""",
        "evaluation-crash",
    ),
    "it says that there are no errors": ("echo '{\"errors\":[]}'", "evaluation-crash"),
    "it says errors of another form": ("echo '{\"errors\":5}'", "evaluation-crash"),
    "it nests without end": ("printf '[%.0s' $(seq 20000)", "evaluation-crash"),
    "it hangs": ("sleep 60", "evaluation-timeout"),
    "it hangs with its pipes closed": (
        "exec 1>&- 2>&-; sleep 60",
        "evaluation-timeout",
    ),
    "it leaves a process that holds the pipe": (
        "sleep 60 & echo '{}'",
        "evaluation-timeout",
    ),
    "it works without end": ("while :; do :; done", "evaluation-timeout"),
    "it dies": ("kill -SEGV $$", "evaluation-crash"),
    "it is killed": ("kill -KILL $$", "evaluation-timeout"),
    "it says that memory is short": (
        "echo 'fatal error: runtime: out of memory' >&2; exit 2",
        "evaluation-memory",
    ),
}


@pytest.mark.parametrize(("script", "code"), STAND_INS.values(), ids=STAND_INS.keys())
def test_an_opa_that_misbehaves_gives_no_answer(reader, tmp_path, script, code):
    assert refusal(reader, stand_in(tmp_path, script)).code == code


def test_an_opa_that_floods_is_stopped_at_the_bound(reader, tmp_path):
    path = stand_in(tmp_path, "exec yes flood")
    found = refusal(reader, path, limits=Limits(evaluate_seconds=10))
    assert found.code == "evaluation-memory"
    assert str(MAX_MESSAGE_BYTES) in found.message


def test_what_it_says_of_errors_is_bounded_too(reader, tmp_path):
    path = stand_in(tmp_path, "yes flood >&2 & sleep 0.3; kill $!; echo '{}'")
    limits = Limits(evaluate_seconds=10)
    assert refusal(reader, path, limits=limits).code == "evaluation-crash"


def test_no_process_outlives_the_question(reader, tmp_path):
    # It can write no file: the process id is told by a folder's name.
    path = stand_in(tmp_path, f"sleep 61 & mkdir {tmp_path}/pid-$!; wait")
    assert refusal(reader, path).code == "evaluation-timeout"
    (left,) = tmp_path.glob("pid-*")
    number = int(left.name.removeprefix("pid-"))
    for _ in range(100):
        if not _runs(number):
            return
        time.sleep(0.02)  # the kernel needs a moment to take it away
    raise AssertionError(f"{number} still runs")


def _runs(number):
    try:
        stat = Path(f"/proc/{number}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def test_it_gets_no_environment_and_can_write_no_file(reader, tmp_path, monkeypatch):
    monkeypatch.setenv("TRUSTACKS_SECRET", "hush")
    script = (
        f'test -n "$TRUSTACKS_SECRET" && mkdir {tmp_path}/secret\n'
        f'test "$(pwd)" = / || mkdir {tmp_path}/folder\n'
        f'test -n "$HOME" && mkdir {tmp_path}/home\n'
        f"( echo x > {tmp_path}/file ) 2>/dev/null\n"
        f"read line && mkdir {tmp_path}/input\necho '{{}}'"
    )
    refusal(reader, stand_in(tmp_path, script))
    assert {path.name for path in tmp_path.iterdir()} <= {"opa", "file"}
    written = tmp_path / "file"
    assert not written.exists() or written.read_bytes() == b""


def test_its_limits_are_set_before_it_runs(reader, tmp_path):
    """CPU seconds, memory in KiB, core dumps, files: each as a folder's name."""
    names = "$(ulimit -t)-$(ulimit -d)-$(ulimit -c)-$(ulimit -f)"
    path = stand_in(tmp_path, f"mkdir {tmp_path}/limits-{names}; echo '{{}}'")
    refusal(reader, path, limits=Limits(evaluate_seconds=3, memory_bytes=512 << 20))
    (found,) = tmp_path.glob("limits-*")
    assert found.name == f"limits-8-{512 << 10}-0-0"


LIES = {
    "two versions": "!printf 'Version: 1.21.3\\nVersion: 0.1.0\\n'",
    "a version and a terminal's commands": "!printf 'Version: 1.21.3\\033[2J'",
    "a version and a failure": "!echo Version: 1.21.3; exit 1",
    "a flood": "!exec yes Version: 1.21.3",
    "nothing, without end": "!sleep 60",
}


@pytest.mark.parametrize("version", LIES.values(), ids=LIES.keys())
def test_a_version_that_is_none_is_refused(reader, tmp_path, monkeypatch, version):
    monkeypatch.setattr("bundle.rego.opa_process._VERSION_SECONDS", 1.0)
    engine = OpaEngine(reader, path=stand_in(tmp_path, "exit 1", version=version))
    with pytest.raises(OpaUnsuitableError) as caught:
        engine.version  # noqa: B018
    assert "\033" not in caught.value.message


def opinion_of(reader, path, document=None):
    both = BothEngines(reader, OpaEngine(reader, path=path, limits=QUICK))
    both.parse(RULE)
    both.load([RULE]).evaluate(DENY, document or {"x": 1})
    return second_opinion(both)


@pytest.mark.parametrize(
    "script", ["echo hello", "echo '{}'", "sleep 60", "exit 0", "kill -SEGV $$"]
)
def test_an_opa_that_lies_about_its_version_agrees_with_nobody(
    reader, tmp_path, script
):
    """It says 1.21.3 and cannot do what OPA does: that is no second opinion."""
    opinion = opinion_of(reader, stand_in(tmp_path, script))
    (one,) = opinion.disagreements
    assert one.first == ["x"]
    assert isinstance(one.second, EvaluationError)


def test_an_opa_that_only_repeats_the_nonce_does_not_agree(reader, tmp_path):
    """It can read its input, so it knows the nonce; the answer it still has to know."""
    script = (
        "for word; do case $word in data.trustacks_*) nonce=${word#data.trustacks_};; "
        "esac; done\n"
        'printf \'{"result":[{"expressions":[{"value":{"nonce":"%s"}}]}]}\' "$nonce"'
    )
    (one,) = opinion_of(reader, stand_in(tmp_path, script)).disagreements
    assert one.first == ["x"]


def test_a_folder_that_cannot_be_written_agrees_with_nobody(
    reader, tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    (one,) = opinion_of(reader, stand_in(tmp_path, "exit 1")).disagreements
    assert one.second.code == "engine-unavailable"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_ours_agrees_with_nobody(reader, tmp_path, monkeypatch):
    monkeypatch.setattr("bundle.rego.opinion.ask_opa", lambda *a, **k: 1 / 0)
    with pytest.raises(EvaluationError) as caught:
        opinion_of(reader, stand_in(tmp_path, "exit 1"))
    assert caught.value.code == "evaluation-crash"


BOMBS = {
    "a product of ranges": (
        "deny contains x if { some i in numbers.range(1, 9000); "
        "some j in numbers.range(1, 9000); x := i + j }"
    ),
    "a long range": "deny contains x if x := numbers.range(1, 900000000)",
    "doubling": "deny contains x if { "
    + "; ".join(
        [
            'a0 := "0123456789abcdef"',
            *(
                f"a{i} := concat(a{i - 1}, [a{i - 1}, a{i - 1}, a{i - 1}])"
                for i in range(1, 13)
            ),
            "x := a12",
        ]
    )
    + " }",
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS.keys())
def test_an_evaluation_bomb_ends_in_time(reader, text):
    source = f"package overlay.a\n\nimport rego.v1\n\n{text}\n"
    limits = Limits(evaluate_seconds=2.0, memory_bytes=256 << 20)
    found = refusal(reader, installed_opa(), Module("a.rego", source), limits)
    assert found.code in ("evaluation-timeout", "evaluation-memory", "evaluation-crash")


def test_an_answer_larger_than_the_bound_is_refused(reader, monkeypatch):
    monkeypatch.setattr("bundle.rego.opa_process.MAX_MESSAGE_BYTES", 100_000)
    source = (
        "package overlay.a\n\nimport rego.v1\n\n"
        "deny contains x if some x in numbers.range(1, 100000)\n"
    )
    limits = Limits(evaluate_seconds=10)
    found = refusal(reader, installed_opa(), Module("a.rego", source), limits)
    assert found.code == "evaluation-memory"


def test_nothing_is_left_in_the_temporary_folder(reader, tmp_path, monkeypatch):
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    for script in ("echo hello", "sleep 60"):
        refusal(reader, stand_in(tmp_path, script))
    assert list(folder.iterdir()) == []
