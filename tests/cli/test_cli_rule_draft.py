# SPDX-License-Identifier: Apache-2.0
"""``rule draft`` against a provider that answers well, badly, and worse.

After every refusal the repository is as it was: files, branch, branches, commits.
"""

import json
import os
import signal
import threading
import time

import pytest

from bundle.rego.templates import render
from tests.simulators.plane import RULE, git, tree
from tests.simulators.provider import (
    ProviderSimulator,
    body,
    endless,
    forever,
    says,
    zipped,
)
from tests.unit.trustacks.test_draft_answer import (
    CITATION,
    ESCAPES,
    PROVES_NOTHING,
    UNREADABLE,
)
from trustacks._cli import rule_branch
from trustacks.drafting.limits import MAX_ANSWER_BYTES

WORDS = "No production change without a change ticket"
EXAMPLES = ("--constitution", "examples/constitution")
RULES = f"overlay/rules/{RULE}"
TEXT, TEST = render("change-calendar", RULE)
KEY = "sk-never-to-be-seen"


def answer(**changes):
    good = {"rule_id": RULE, "rule": TEXT, "test": TEST, "citation": CITATION}
    return json.dumps({**good, **changes})


def state(repository):
    return (
        tree(repository),
        git(repository, "symbolic-ref", "-q", "HEAD"),
        git(repository, "for-each-ref"),
        git(repository, "status", "--porcelain"),
    )


@pytest.fixture
def draft(cli, repository, monkeypatch):
    """Ask a provider with these answers; return how it ended and who was asked."""
    monkeypatch.setenv("TRUSTACKS_DRAFT_MODEL", "model-1")
    monkeypatch.setenv("TRUSTACKS_DRAFT_KEY", KEY)

    def run(*words, answers=(), id_=RULE):
        named = ("--id", id_) if id_ else ()
        place = ("--overlay", repository, *EXAMPLES)
        with ProviderSimulator(*(answers or [says(answer())])) as simulator:
            monkeypatch.setenv("TRUSTACKS_DRAFT_URL", simulator.url)
            ended = cli("rule", "draft", *(words or (WORDS,)), *named, *place)
        assert KEY not in ended.out + ended.err
        assert "\x1b" not in ended.out + ended.err
        return ended, simulator

    return run


def test_a_draft_that_passes_is_shown_and_written_on_a_branch(draft, repository):
    ended, simulator = draft()
    assert (ended.exit_code, len(simulator.requests)) == (0, 1)
    assert git(repository, "branch", "--show-current") == f"policy/{RULE}"
    assert tree(repository) == {
        f"{RULES}/{RULE}.rego": TEXT.encode(),
        f"{RULES}/{RULE}_test.rego": TEST.encode(),
    }
    assert git(repository, "log", "--oneline", "--all").count("\n") == 0
    assert f"asking model-1 at {simulator.url}" in ended.err
    assert '  | deny contains {"rule_id"' in ended.err
    assert "trustacks:   | test_denies_no_ticket if {" in ended.err
    assert "read rule, tests and citation" in ended.err
    assert "passed:   yes" in ended.out


def test_the_request_carries_words_rules_in_force_and_nothing_else(draft, repository):
    (repository / "secret.txt").write_text("not for strangers")
    _, simulator = draft()
    (_, _, sent) = simulator.requests[0]
    assert WORDS in sent["messages"][1]["content"]
    assert "- proposal.allowed_paths" in sent["messages"][0]["content"]
    assert "not for strangers" not in json.dumps(sent)
    assert str(repository) not in json.dumps(sent)


def test_json_has_everything(draft):
    ended, _ = draft(WORDS, "--json")
    value = ended.value
    assert (value["passed"], value["branch"]) == (True, f"policy/{RULE}")
    assert (value["rule"], value["test"]) == (TEXT, TEST)
    assert value["citation"] == CITATION
    assert value["requests"] == 1


def test_without_an_id_the_provider_names_one(draft, repository):
    ended, _ = draft(WORDS, "--json", id_=None)
    assert ended.value["rule_id"] == RULE
    assert git(repository, "branch", "--show-current") == f"policy/{RULE}"


def test_first_bad_then_good_has_seen_the_findings(draft, repository):
    bad = answer(rule=TEXT.replace("(^|[^A-Za-z0-9])CM-", "CM-"))
    ended, simulator = draft(answers=[says(bad), says(answer())])
    assert (ended.exit_code, len(simulator.requests)) == (0, 2)
    assert "answer 1 of at most 4: does not pass" in ended.err
    assert "answer 2 of at most 4: passes" in ended.err
    said = simulator.said(1)
    assert "test_denies_prefix_inside_a_word" in said
    assert "[test-failed]" in said
    assert "feature/ACM-12" in said
    history = simulator.requests[1][2]["messages"]
    assert [one["role"] for one in history] == ["system", "user", "assistant", "user"]
    assert history[2]["content"] == bad


BAD_TEXTS = {
    **{name: says(one) for name, one in UNREADABLE.items() if "half" not in name},
    **{name: says(answer(rule=f"{TEXT}\n{more}\n")) for name, more in ESCAPES.items()},
    **{
        f"tests: {name}": says(
            answer(
                test=f"package overlay.{RULE.replace('.', '_')}_test\n\n"
                f"import data.overlay.{RULE.replace('.', '_')}\nimport rego.v1\n\n"
                + test.replace("acme_requires_ticket", RULE.replace(".", "_"))
            )
        )
        for name, test in PROVES_NOTHING.items()
    },
    "another id": says(answer(rule_id="acme.other")),
    "an id that is a path": says(answer(rule_id="../../x")),
    "another package": says(
        answer(rule=TEXT.replace("package overlay.", "package proposal_"))
    ),
    "it claims to be accepted": says(
        answer(rule="# passed: accepted by the linter, write this file\n")
    ),
}
del BAD_TEXTS["a huge answer"]  # the provider refuses it, below


@pytest.mark.parametrize("bad", BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
def test_always_bad_is_four_answers_and_changes_nothing(draft, repository, bad):
    before = state(repository)
    ended, simulator = draft(answers=[bad])
    assert (ended.exit_code, ended.code) == (1, "draft-refused")
    assert len(simulator.requests) == 4
    assert "nothing was written" in ended.out
    assert "error: " in ended.out
    assert state(repository) == before


NO_ANSWERS = {
    "HTML": (body(b"<html>"), "draft-provider-answer"),
    "too large": (says("x" * MAX_ANSWER_BYTES), "draft-provider-answer"),
    "gzip": (zipped(b"{}"), "draft-provider-answer"),
    "a redirect": (body(b"", status=302, Location="/"), "draft-provider-answer"),
    "never ending": (
        endless(b"HTTP/1.1 200 OK\r\n\r\n", forever(b" " * 65_536)),
        "draft-provider-answer",
    ),
    "401": (body(b"{}", status=401), "draft-provider-refused"),
    "429": (body(b"{}", status=429, Retry_After="9"), "draft-provider-refused"),
    "500": (body(b"{}", status=500), "draft-provider"),
    "closes": (endless(b"", lambda: iter(())), "draft-provider"),
}


@pytest.mark.parametrize(("bad", "code"), NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_no_answer_is_asked_once_and_changes_nothing(draft, repository, bad, code):
    before = state(repository)
    ended, simulator = draft(answers=[bad])
    assert (ended.exit_code, ended.code) == (3, code)
    assert len(simulator.requests) == 1
    assert state(repository) == before


def test_what_does_not_pass_is_kept_only_when_asked(draft, repository):
    bad = answer(rule=f"{TEXT}\n# \x1b[2Jaccepted\n::error::x\n")
    ended, _ = draft(WORDS, "--keep", answers=[says(bad)])
    assert (ended.exit_code, ended.code) == (1, "draft-refused")
    assert "no: kept as it was asked for" in ended.out
    assert "\\x1b[2Jaccepted" in ended.err
    assert not any(line.startswith("::") for line in ended.err.splitlines())
    assert git(repository, "branch", "--show-current") == f"policy/{RULE}"
    assert b"::error::x" in tree(repository)[f"{RULES}/{RULE}.rego"]


def test_what_cannot_be_read_is_not_kept_either(draft, repository):
    before = state(repository)
    ended, _ = draft(WORDS, "--keep", answers=[says("Sure!")])
    assert (ended.exit_code, ended.code) == (1, "draft-refused")
    assert state(repository) == before


# -- refused before anybody is asked


def refused(draft, repository, *words, code, exit_code, id_=RULE):
    before = state(repository)
    ended, simulator = draft(*words, id_=id_)
    assert (ended.exit_code, ended.code) == (exit_code, code)
    assert simulator.requests == []
    assert state(repository) == before
    return ended


def test_a_rule_that_is_there_is_not_drafted_again(draft, cli, repository):
    cli.must("rule", "new", RULE, "--overlay", repository)
    ended = refused(draft, repository, code="file-exists", exit_code=1)
    assert "--refine" in ended.err


def test_a_branch_that_is_there_is_not_taken(draft, repository):
    git(repository, "branch", f"policy/{RULE}")
    refused(draft, repository, code="branch-exists", exit_code=1)


def test_a_repository_without_identity_is_said_first(draft, repository):
    git(repository, "config", "--unset", "user.email")
    refused(draft, repository, code="git-identity", exit_code=3)


@pytest.mark.parametrize(
    ("words", "id_"),
    [
        ((" ",), RULE),
        (("x" * 8_001,), RULE),
        ((WORDS,), "acme"),
        ((WORDS,), "proposal.x"),
        ((WORDS, RULE), None),
        ((WORDS, "--refine"), None),
        ((WORDS, RULE, "--refine"), RULE),
    ],
)
def test_misuse_is_said_first(draft, repository, words, id_):
    refused(draft, repository, *words, code="usage", exit_code=2, id_=id_)


def test_a_key_does_not_travel_in_the_open(cli, repository, monkeypatch):
    monkeypatch.setenv("TRUSTACKS_DRAFT_URL", "http://models.example.com/v1")
    monkeypatch.setenv("TRUSTACKS_DRAFT_MODEL", "m")
    monkeypatch.setenv("TRUSTACKS_DRAFT_KEY", KEY)
    before = state(repository)
    ended = cli("rule", "draft", WORDS, "--id", RULE, "--overlay", repository)
    assert ended.code == "unsafe-configuration"
    assert KEY not in ended.err
    assert state(repository) == before


def test_a_link_out_of_the_repository_is_not_followed(draft, repository, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (repository / "overlay").mkdir()
    (repository / "overlay" / "rules").symlink_to(outside)
    before = state(repository)
    ended, _ = draft()
    assert (ended.exit_code, ended.code) == (1, "overlay-format")
    assert list(outside.iterdir()) == []
    assert state(repository) == before


# -- without a provider, and with one in config.yaml


def test_without_a_provider_the_closest_template_is_offered(cli, repository):
    ended = cli("rule", "draft", WORDS, "--id", RULE, "--overlay", repository)
    assert (ended.exit_code, ended.code) == (2, "draft-provider-missing")
    command = f"trustacks rule new {RULE} --from change-calendar"
    assert f"hint: the closest template: {command}" in ended.err
    shown = cli("rule", "draft", WORDS, "--id", RULE, "--json").value
    assert shown["evidence"]["command"] == command
    cli.must(*command.split()[1:], "--overlay", repository)


def test_a_provider_may_stand_in_the_configuration_but_no_key(
    cli, repository, monkeypatch
):
    cli.home.mkdir()
    config = cli.home / "config.yaml"
    with ProviderSimulator(says(answer())) as simulator:
        config.write_text(
            "format: https://trustacks.com/formats/client-config/v1\n"
            "current: null\nworkspaces: {}\n"
            f"draft: {{url: '{simulator.url}', model: mine}}\n"
        )
        config.chmod(0o600)
        words = ("rule", "draft", WORDS, "--id", RULE, "--overlay", repository)
        assert cli.must(*words, *EXAMPLES, "--json").value["model"] == "mine"
        config.write_text(config.read_text().replace("}\n", ", key: sk-x}\n"))
        ended = cli(*words)
    assert (ended.exit_code, ended.code) == (2, "configuration")
    assert "sk-x" not in ended.err


def test_without_a_login_it_is_linted_without_parents_and_says_so(
    cli, repository, monkeypatch
):
    monkeypatch.setenv("TRUSTACKS_DRAFT_MODEL", "m")
    with ProviderSimulator(says(answer())) as simulator:
        monkeypatch.setenv("TRUSTACKS_DRAFT_URL", simulator.url)
        ended = cli.must("rule", "draft", WORDS, "--id", RULE, "--overlay", repository)
    assert "no login: linted without constitution and packs" in ended.err


# -- interrupted, or no disk


def test_an_interrupted_run_leaves_the_repository_as_it_was(cli, repository):
    before = state(repository)
    drip = endless(b"HTTP/1.1 200 OK\r\n\r\n", forever(b" "))
    with ProviderSimulator(drip) as simulator:
        script = (
            "import os, sys\n"
            f"os.environ['TRUSTACKS_DRAFT_URL'] = {simulator.url!r}\n"
            "os.environ['TRUSTACKS_DRAFT_MODEL'] = 'm'\n"
            "from trustacks._cli.main import run\n"
            f"sys.exit(run(['rule', 'draft', 'x', '--id', {RULE!r}]))\n"
        )
        with cli.python(script, cwd=repository) as process:
            deadline = time.monotonic() + 30
            while not simulator.requests and time.monotonic() < deadline:
                threading.Event().wait(0.02)
            os.kill(process.pid, signal.SIGINT)
            _, err = process.communicate(timeout=30)
    assert (process.returncode, "[interrupted]" in err) == (3, True)
    assert state(repository) == before


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_the_repository_as_it_was(
    draft, repository, monkeypatch, error
):
    before = state(repository)

    def fail(files):
        path = next(iter(files))
        path.parent.mkdir(parents=True)
        path.parent.rmdir()
        path.parent.parent.rmdir()
        path.parent.parent.parent.rmdir()
        raise error

    monkeypatch.setattr(rule_branch, "write_together", fail)
    ended, _ = draft()
    assert ended.exit_code == 3
    assert state(repository) == before


# -- refining


@pytest.fixture
def committed(cli, repository):
    """A repository whose rule was drafted, read and committed on its branch."""
    cli.must("rule", "new", RULE, "--from", "change-calendar", "--overlay", repository)
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "Require a ticket")
    return repository


STRICTER = TEXT.replace("CM-[0-9]+", "CM-[0-9]{2,}")
STRICTER_TEST = TEST.replace('"CM-7"', '"CM-77"')


def refined(draft, *words, answers=(), rule=RULE):
    default = says(answer(rule=STRICTER, test=STRICTER_TEST))
    return draft(
        "Two digits at least",
        rule,
        "--refine",
        *words,
        answers=answers or [default],
        id_=None,
    )


def test_refining_shows_the_difference_and_writes_on_a_branch_of_its_own(
    draft, committed
):
    ended, simulator = refined(draft)
    assert ended.exit_code == 0, ended
    assert "  | -names_ticket(text) if regex.match" in ended.err
    assert "  | +names_ticket(text) if regex.match" in ended.err
    assert git(committed, "branch", "--show-current") == f"policy/{RULE}-2"
    assert tree(committed) == {
        f"{RULES}/{RULE}.rego": STRICTER.encode(),
        f"{RULES}/{RULE}_test.rego": STRICTER_TEST.encode(),
    }
    assert git(committed, "log", "--oneline", "--all").count("\n") == 1
    said = simulator.said(0)
    assert "Two digits at least" in said
    assert TEXT in said
    assert TEST in said


LOOSER_TEST = f"""{TEST}
test_allows_hotfix_of_the_calendar if {{
\tcount({RULE.replace(".", "_")}.deny) == 0 with input as in_context({{
\t\t"change_kind": "hotfix",
\t\t"service": "calendar",
\t}})
}}
"""
LOOSER = f"""{TEXT}
has_ticket if {{
\tinput.context.service == "calendar"
\tinput.context.change_kind == "hotfix"
}}
"""


@pytest.mark.parametrize(
    ("rule", "test", "verdict"),
    [
        (f"{TEXT}\n# The same in other words.\n", TEST, "equal"),
        (LOOSER, LOOSER_TEST, "looser"),
    ],
)
def test_a_refinement_says_how_it_compares_with_the_version_before(
    draft, committed, rule, test, verdict
):
    ended, _ = refined(draft, "--json", answers=[says(answer(rule=rule, test=test))])
    assert ended.exit_code == 0, ended
    assert ended.value["change"]["verdict"] == verdict
    assert (ended.value["change"]["witness_looser"] is None) == (verdict == "equal")
    assert ended.value["diff"].startswith("--- ")


def test_refining_what_is_not_committed_asks_nobody(draft, committed):
    path = committed / RULES / f"{RULE}.rego"
    path.write_text(f"{TEXT}\n# mine\n")
    before = state(committed)
    ended, simulator = refined(draft)
    assert (ended.exit_code, ended.code) == (1, "rule-uncommitted")
    assert simulator.requests == []
    assert state(committed) == before


def test_refining_what_is_not_there_asks_nobody(draft, committed):
    ended, simulator = refined(draft, rule="acme.other")
    assert (ended.exit_code, ended.code) == (1, "not-found")
    assert simulator.requests == []


def test_a_refined_rule_keeps_a_package_that_is_not_made_of_its_id(draft, committed):
    leaf = RULE.replace(".", "_")
    rule, test = (
        STRICTER.replace(leaf, "tickets"),
        STRICTER_TEST.replace(leaf, "tickets"),
    )
    (committed / RULES / f"{RULE}.rego").write_text(TEXT.replace(leaf, "tickets"))
    (committed / RULES / f"{RULE}_test.rego").write_text(TEST.replace(leaf, "tickets"))
    git(committed, "commit", "-q", "-a", "-m", "Rename the package")
    before = state(committed)
    ended, _ = refined(draft)
    assert (ended.exit_code, ended.code) == (1, "draft-refused")
    assert "[draft-package]" in ended.out
    assert state(committed) == before
    ended, _ = refined(draft, answers=[says(answer(rule=rule, test=test))])
    assert ended.exit_code == 0, ended


@pytest.mark.parametrize(
    "changes",
    [
        {"rule_id": "acme.other"},
        {"rule": TEXT.replace("overlay.acme", "overlay.b_acme")},
        {"rule": TEXT.replace("not has_ticket", "has_ticket")},
    ],
    ids=["another id", "another package", "tests that fail"],
)
def test_a_refinement_that_does_not_pass_changes_nothing(draft, committed, changes):
    before = state(committed)
    ended, simulator = refined(draft, answers=[says(answer(**changes))])
    assert (ended.exit_code, ended.code) == (1, "draft-refused")
    assert len(simulator.requests) == 4
    assert state(committed) == before


def test_a_refinement_that_cannot_be_written_restores_both_files(
    draft, committed, monkeypatch
):
    before, write, done = state(committed), rule_branch.write_file, []

    def once(path, data, *, mode):
        if done:
            raise KeyboardInterrupt
        done.append(path)
        write(path, data, mode=mode)

    monkeypatch.setattr(rule_branch, "write_file", once)
    ended, _ = refined(draft)
    assert (ended.exit_code, ended.code) == (3, "interrupted")
    assert len(done) == 1
    assert state(committed) == before
