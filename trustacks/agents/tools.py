# SPDX-License-Identifier: Apache-2.0
"""The tools that an agent has: five, and every one only reads.

There is none that signs, approves, merges or writes, and there will be none: what is
signed, a person has seen (DESIGN 9, T9).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from keys.errors import LimitExceededError, TrustacksError
from keys.strict import dumps_json
from trustacks.agents import answers
from trustacks.agents.bench import Bench
from trustacks.errors import InternalError, ToolArgumentsError

# An answer as JSON (bytes): two texts of 32,000 characters of up to four bytes.
MAX_ANSWER_BYTES: Final = 512 * 1024

_RULE: Final = {
    "type": "string",
    "maxLength": 128,
    "pattern": r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$",
    "description": "A rule id, such as acme.requires_ticket.",
}
_CODE: Final = {
    "type": "string",
    "maxLength": 64,
    "description": "The code of a finding, such as data-reference.",
}
_OFFSET: Final = {
    "type": "integer",
    "minimum": 0,
    "maximum": 100_000,
    "description": "Where the page starts; next_offset of the page before.",
}


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool.

    Attributes:
        description: What a model reads to choose it.
        properties: Its arguments, as JSON Schema.
        required: Those that must be there.
        run: Answers with a JSON object, or refuses.
    """

    name: str
    description: str
    properties: dict[str, Any]
    required: tuple[str, ...]
    run: Callable[..., dict[str, Any]]

    @property
    def schema(self) -> dict[str, Any]:
        """The schema of the arguments; no others are taken."""
        return {
            "type": "object",
            "properties": self.properties,
            "required": list(self.required),
            "additionalProperties": False,
        }


TOOLS: Final = (
    ToolSpec(
        "list_rules",
        "List the policy rules in force for this overlay: those of the pinned "
        "constitution and packs, and the overlay's own with their state.",
        {"offset": _OFFSET},
        (),
        answers.list_rules,
    ),
    ToolSpec(
        "explain_rule",
        "Explain one rule: description, citation, Rego, tests, state.",
        {"rule_id": _RULE},
        ("rule_id",),
        answers.explain_rule,
    ),
    ToolSpec(
        "explain_code",
        "Explain the code of a linter finding, and how to write it instead.",
        {"code": _CODE},
        ("code",),
        answers.explain_code,
    ),
    ToolSpec(
        "test_rule",
        "Run the tests of one rule of the overlay, in a limited process.",
        {"rule_id": _RULE},
        ("rule_id",),
        answers.test_rule,
    ),
    ToolSpec(
        "lint_rule",
        "Lint one rule of the overlay against its parents and the other rules.",
        {"rule_id": _RULE},
        ("rule_id",),
        answers.lint_one,
    ),
)
BY_NAME: Final = {tool.name: tool for tool in TOOLS}


def ask(bench: Bench, tool: ToolSpec, arguments: dict[str, Any]) -> dict[str, Any]:
    """Answer one question.

    Raises:
        ToolArgumentsError: Other arguments than the tool takes.
        LimitExceededError: The answer would be too large.
        TrustacksError: The tool refuses.
    """
    wrong = best_match(Draft202012Validator(tool.schema).iter_errors(arguments))
    if wrong is not None:
        where = ".".join(str(step) for step in wrong.path) or "arguments"
        raise ToolArgumentsError(f"{where}: {_first(wrong.message)}")
    answer = tool.run(bench, **arguments)
    size = len(dumps_json(answer))
    if size > MAX_ANSWER_BYTES:
        raise LimitExceededError(
            f"expected an answer of at most {MAX_ANSWER_BYTES} bytes, got {size}"
        )
    return answer


def refusal(error: BaseException) -> dict[str, Any]:
    """Return an error as an agent reads it: code, message, hint, evidence."""
    if isinstance(error, TrustacksError):
        return error.to_json()
    return InternalError(f"unexpected {type(error).__name__}").to_json()


def _first(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= 200 else f"{line[:200]}..."  # noqa: PLR2004 - one line
