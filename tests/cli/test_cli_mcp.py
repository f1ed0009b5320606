# SPDX-License-Identifier: Apache-2.0
"""An agent asks over the protocol, by the SDK's own client, and nothing changes."""

import json
import subprocess
import sys
from contextlib import asynccontextmanager

import anyio
import pytest
from mcp import Client, MCPError, StdioServerParameters

from bundle.ratchet.child import Prover
from bundle.rego.embedded import EmbeddedEngine
from keys.digest import Digest
from keys.errors import LimitExceededError
from keys.strict import dumps_json
from tests.simulators.plane import EXAMPLES, ROOT, RULE, tree
from trustacks.agents import tools
from trustacks.agents.answers import MAX_TEXT, PAGE, lint_one, list_rules
from trustacks.agents.bench import Bench
from trustacks.agents.tools import BY_NAME, MAX_ANSWER_BYTES
from trustacks.agents.tools import ask as ask_tool
from trustacks.released import store_released

LAYERS = ("--constitution", EXAMPLES / "constitution")
LAYERS += ("--pack", EXAMPLES / "packs" / "change-control")
TOOLS = {
    "list_rules": {},
    "explain_rule": {"rule_id": RULE},
    "explain_code": {"code": "recursion"},
    "test_rule": {"rule_id": RULE},
    "lint_rule": {"rule_id": RULE},
}
PATH = f"overlay/rules/{RULE}/{RULE}.rego"


@asynccontextmanager
async def serving(person, folder, *words):
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "trustacks", "mcp", "--overlay", str(folder), *map(str, words)],
        env={**person.variables, "PYTHONPATH": str(ROOT)},
        cwd=folder,
    )
    async with Client(parameters, read_timeout_seconds=60) as client:
        yield client


def ask(person, folder, name, arguments, *words):
    async def once():
        async with serving(person, folder, *words) as client:
            return await client.call_tool(name, arguments)

    return anyio.run(once)


def answered(person, folder, name, arguments=None, *words):
    wanted = TOOLS[name] if arguments is None else arguments
    result = ask(person, folder, name, wanted, *(words or LAYERS))
    assert not result.is_error, result
    # Older clients read the text, newer ones the value.
    assert json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


def refused(person, folder, name, arguments, *words):
    result = ask(person, folder, name, arguments, *(words or LAYERS))
    assert result.is_error, result
    assert set(result.structured_content) == {"code", "message", "hint", "evidence"}
    return result.structured_content["code"]


@pytest.fixture
def overlay(cli, repository):
    cli.must("rule", "new", RULE, "--from", "change-calendar", "--overlay", repository)
    return repository


def test_the_tools_are_these_five_and_each_only_reads(cli, overlay):
    async def listed():
        async with serving(cli, overlay) as client:
            return (await client.list_tools()).tools

    tools = anyio.run(listed)
    assert [tool.name for tool in tools] == list(TOOLS)
    for tool in tools:
        assert tool.annotations.read_only_hint
        assert not tool.annotations.destructive_hint
        assert not tool.annotations.open_world_hint
        assert tool.input_schema["additionalProperties"] is False


def test_asking_everything_changes_nothing_on_disk(cli, overlay):
    async def all_of_them():
        async with serving(cli, overlay, *LAYERS) as client:
            for name, arguments in TOOLS.items():
                assert not (await client.call_tool(name, arguments)).is_error, name

    before = tree(overlay), tree(cli.folder)
    anyio.run(all_of_them)
    assert (tree(overlay), tree(cli.folder)) == before


def test_the_rules_in_force_are_the_parents_and_the_overlays_own(cli, overlay):
    value = answered(cli, overlay, "list_rules")
    layers = {rule["rule_id"]: rule["layer"] for rule in value["rules"]}
    assert layers[RULE] == "overlay"
    assert layers["proposal.no_path_traversal"] == "example-constitution"
    assert "change-control" in layers.values()
    own = value["rules"][-1]
    assert (own["in_force"], own["attestation"]) == ("not-released", "unsigned")
    assert (value["total"], value["next_offset"]) == (len(value["rules"]), None)
    assert value["parents_known"]


def test_without_parents_the_overlay_is_listed_and_tested_and_not_linted(cli, overlay):
    alone = ("--workspace", "acme")
    value = answered(cli, overlay, "list_rules", {}, *alone)
    assert not value["parents_known"]
    assert [rule["rule_id"] for rule in value["rules"]] == [RULE]
    assert answered(cli, overlay, "test_rule", None, *alone)["passed"]
    assert (
        refused(cli, overlay, "lint_rule", TOOLS["lint_rule"], *alone)
        == "not-logged-in"
    )


def test_of_the_overlays_rules_the_list_says_what_the_release_has(overlay, tmp_path):
    text = (overlay / PATH).read_bytes()
    with EmbeddedEngine() as engine, Prover() as prover:
        bench = Bench(overlay, engine, prover, tuple, lambda: tmp_path)

        def standing():
            rules = list_rules(bench)["rules"]
            return {rule["rule_id"]: rule["in_force"] for rule in rules}

        assert standing() == {RULE: "not-released"}
        store_released(tmp_path, 1, {RULE: text, "acme.gone": text})
        assert standing() == {RULE: "as-written", "acme.gone": "released"}
        (overlay / PATH).write_bytes(text + b"# changed\n")
        assert standing()[RULE] == "another-version"
        change = lint_one(bench, RULE)["change"]
        assert (change["verdict"], change["old"]) == ("equal", str(Digest.of(text)))


def test_a_long_list_comes_in_pages(cli, overlay):
    source = overlay / PATH
    for number in range(PAGE + 3):
        name = f"acme.rule_{number}"
        path = overlay / f"overlay/rules/{name}/{name}.rego"
        path.parent.mkdir(parents=True)
        path.write_text(source.read_text().replace(RULE, name))
    first = answered(cli, overlay, "list_rules")
    assert (len(first["rules"]), first["next_offset"]) == (PAGE, PAGE)
    rest = answered(cli, overlay, "list_rules", {"offset": PAGE})
    assert rest["next_offset"] is None
    assert len(first["rules"]) + len(rest["rules"]) == first["total"]


def test_a_rule_is_explained_with_its_text_and_citation(cli, overlay):
    value = answered(cli, overlay, "explain_rule")
    assert value["rego"] == {"text": (overlay / PATH).read_text(), "truncated": False}
    assert value["citation"]["id"] == "CM-TICKET-REQUIRED-001"
    parent = {"rule_id": "proposal.no_path_traversal"}
    value = answered(cli, overlay, "explain_rule", parent)
    assert "leads_elsewhere" in value["rego"]["text"]


def test_a_code_is_explained(cli, overlay):
    value = answered(cli, overlay, "explain_code")
    assert value["text"] == (ROOT / "docs/rules/recursion.md").read_text()


def test_a_failing_test_says_what_it_was_given(cli, overlay):
    path = overlay / PATH
    path.write_text(path.read_text().replace("(^|[^A-Za-z0-9])CM-", "CM-"))
    value = answered(cli, overlay, "test_rule")
    assert not value["passed"]
    failed = {case["name"]: case for case in value["failed"]}
    case = failed["test_denies_prefix_inside_a_word"]
    assert (case["expected"], case["actual"]) == ("deny", "allow")
    assert case["input"]["context"]


def test_a_finding_has_its_place_and_fix(cli, overlay):
    path = overlay / PATH
    path.write_text(path.read_text() + "\nextra if opa.runtime()\n")
    value = answered(cli, overlay, "lint_rule")
    assert not value["passed"]
    found = {finding["code"]: finding for finding in value["findings"]}
    assert found["builtin-not-allowed"]["line"] > 1
    assert found["builtin-not-allowed"]["fix"]


REFUSALS = (
    ("explain_code", {"code": "nothing"}, "unknown-code"),
    ("explain_rule", {"rule_id": "acme.nothing"}, "not-found"),
    ("test_rule", {"rule_id": "argocd.nothing"}, "usage"),
    ("test_rule", {}, "tool-arguments"),
    ("test_rule", {"rule_id": 1}, "tool-arguments"),
    ("test_rule", {"rule_id": RULE, "overlay": "/"}, "tool-arguments"),
    ("test_rule", {"rule_id": "../../etc/passwd"}, "tool-arguments"),
    ("lint_rule", {"rule_id": f"./{PATH}"}, "tool-arguments"),
    ("explain_rule", {"rule_id": f"{RULE}\n"}, "usage"),
    ("list_rules", {"offset": -1}, "tool-arguments"),
    ("explain_code", {"code": "x" * 65}, "tool-arguments"),
)


def test_a_refusal_is_an_answer_with_a_code(cli, overlay):
    async def all_of_them():
        async with serving(cli, overlay, *LAYERS) as client:
            return [await client.call_tool(*asked[:2]) for asked in REFUSALS]

    for (name, arguments, code), result in zip(
        REFUSALS, anyio.run(all_of_them), strict=True
    ):
        assert result.is_error, (name, arguments)
        assert set(result.structured_content) == {"code", "message", "hint", "evidence"}
        assert result.structured_content["code"] == code, (name, arguments)


def test_there_is_no_other_tool(cli, overlay):
    async def others():
        async with serving(cli, overlay) as client:
            for name in ("sign_rule", "rule_sign", "write_file", ""):
                with pytest.raises(MCPError, match="unknown tool"):
                    await client.call_tool(name, {})

    anyio.run(others)


def test_a_refusal_does_not_end_the_server(cli, overlay):
    async def twice():
        async with serving(cli, overlay, *LAYERS) as client:
            (overlay / PATH).write_bytes(b"\xff")
            first = await client.call_tool("lint_rule", TOOLS["lint_rule"])
            (overlay / "overlay/link").symlink_to("/etc/passwd")
            second = await client.call_tool("list_rules", {})
            return first.structured_content, second

    first, second = anyio.run(twice)
    assert "rego-parse" in {finding["code"] for finding in first["findings"]}
    assert (second.is_error, second.structured_content["code"]) == (
        True,
        "overlay-format",
    )


def test_a_link_out_of_the_overlay_is_not_followed(cli, overlay, tmp_path):
    (tmp_path / "secret.rego").write_text("package secret")
    (overlay / PATH).unlink()
    (overlay / PATH).symlink_to(tmp_path / "secret.rego")
    for name in ("explain_rule", "test_rule", "lint_rule"):
        assert refused(cli, overlay, name, {"rule_id": RULE}) == "overlay-format"


def test_a_large_rule_is_cut_and_says_so(cli, overlay):
    path = overlay / PATH
    path.write_text(path.read_text() + "# " + "x" * MAX_TEXT)
    value = answered(cli, overlay, "explain_rule")
    assert (len(value["rego"]["text"]), value["rego"]["truncated"]) == (MAX_TEXT, True)


def test_large_inputs_of_failing_cases_stay_within_the_bound(cli, overlay):
    cases = {
        "cases": [
            {"name": f"case {n}", "polarity": "positive", "input": {"proposal": {"files": []}, "context": {"target": {"name": "x", "tier": "prod"}, "service": "s" * 20_000}}}
            for n in range(40)
        ]
    }  # fmt: skip
    (overlay / PATH).with_suffix(".cases.json").write_text(json.dumps(cases))
    value = answered(cli, overlay, "test_rule")
    assert value["failed"][0]["truncated"]
    assert len(json.dumps(value)) < MAX_ANSWER_BYTES


def test_an_answer_has_a_bound(overlay, tmp_path, monkeypatch):
    with EmbeddedEngine() as engine, Prover() as prover:
        bench = Bench(overlay, engine, prover, tuple, lambda: tmp_path)
        size = len(dumps_json(ask_tool(bench, BY_NAME["list_rules"], {})))
        monkeypatch.setattr(tools, "MAX_ANSWER_BYTES", size)
        ask_tool(bench, BY_NAME["list_rules"], {})
        monkeypatch.setattr(tools, "MAX_ANSWER_BYTES", size - 1)
        with pytest.raises(LimitExceededError):
            ask_tool(bench, BY_NAME["list_rules"], {})


def test_standard_output_is_the_protocols_alone(cli, overlay):
    """Every line is a JSON-RPC message, also where the client talks nonsense."""
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}  # fmt: skip
    said = [
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}),
        json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        "nonsense",
        json.dumps({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "test_rule", "arguments": TOOLS["test_rule"]}}),
    ]  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-m", "trustacks", "mcp", "--overlay", str(overlay)],
        env={**cli.variables, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdin.write("".join(f"{line}\n" for line in said))
        process.stdin.flush()
        answers = []
        while not any(one.get("id") == 2 for one in answers):
            answers.append(json.loads(process.stdout.readline()))
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out == ""
    assert "Traceback" not in err
    assert all(one["jsonrpc"] == "2.0" for one in answers)


def test_without_an_overlay_nothing_is_served(cli, tmp_path):
    ended = cli("mcp", "--overlay", tmp_path)
    assert (ended.exit_code, ended.code, ended.out) == (1, "overlay-format", "")


def test_no_other_command_loads_the_sdk(cli, overlay):
    script = (
        "import sys\n"
        "from trustacks._cli.main import run\n"
        f"run(['rule', 'test', '--overlay', {str(overlay)!r}])\n"
        "print([n for n in sys.modules if n in ('mcp', 'pydantic')], file=sys.stderr)\n"
    )
    with cli.python(script, cwd=overlay) as process:
        assert process.communicate()[1].endswith("[]\n")


def test_without_the_sdk_its_absence_is_said(cli, overlay, monkeypatch):
    monkeypatch.setitem(sys.modules, "trustacks.agents.server", None)
    ended = cli("mcp", "--overlay", overlay)
    assert (ended.exit_code, ended.code) == (3, "mcp-unavailable")
    assert "trustacks[mcp]" in ended.err
