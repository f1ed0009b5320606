# SPDX-License-Identifier: Apache-2.0
"""Read what a language model wrote: one JSON object, these fields, nothing around it.

The object names no path: where the two files go is not the provider's to say. Whether
the Rego may do what it does is for the linter; here is only what it cannot see.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from bundle.finding import Finding
from bundle.rule import rule_id_problem
from keys.errors import FormatError
from keys.fields import Fields
from keys.strict import loads_json
from trustacks.drafting.limits import MAX_ANSWER_BYTES, MAX_MODULE_BYTES

_PACKAGE: Final = re.compile(r"^package[ \t]+(\S+)[ \t]*(?:#.*)?$", re.MULTILINE)
_FIX: Final = (
    "answer with one JSON object with the fields rule_id, rule, test and citation, "
    "without code fences or any text around it"
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule as it was answered.

    Attributes:
        rule: The text of ``<rule_id>.rego``.
        test: The text of ``<rule_id>_test.rego``.
        citation: What the answer says is the rule's citation.
    """

    rule_id: str
    rule: str
    test: str
    citation: dict[str, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the answer has to be about.

    Attributes:
        rule_id: The id, or none if the provider is to choose one.
        taken: Ids that no new rule may have.
        package: Of a rule that is revised.
    """

    rule_id: str | None = None
    taken: frozenset[str] = frozenset()
    package: str | None = None


def parse_answer(text: str, wanted: Wanted) -> Draft | Finding:
    """Return the draft in an answer, or why it is none.

    Args:
        text: The message, as the provider sent it.
        wanted: What it has to be about.
    """
    try:
        value = loads_json(
            text.encode("utf-8", "surrogatepass"),
            max_bytes=MAX_ANSWER_BYTES,
            what="JSON",
        )
        draft = _draft(value)
    except FormatError as error:
        return Finding("draft-answer", "answer", 1, 1, error.message, _FIX)
    return _wrong_id(draft, wanted) or _wrong_package(draft, wanted) or draft


def package_of(rule_id: str) -> str:
    """Return the package of a new rule."""
    return f"overlay.{rule_id.replace('.', '_')}"


def _draft(value: Any) -> Draft:
    fields = Fields(value, "answer")
    draft = Draft(
        rule_id=fields.text("rule_id"),
        rule=fields.text("rule", max_chars=MAX_MODULE_BYTES),
        test=fields.text("test", max_chars=MAX_MODULE_BYTES),
        citation=_citation(fields.object("citation")),
    )
    fields.done()
    return draft


def _citation(fields: Fields) -> dict[str, str]:
    names = ("id", "description", "category", "source")
    citation = {name: fields.text(name) for name in names}
    fields.done()
    return citation


def _wrong_id(draft: Draft, wanted: Wanted) -> Finding | None:
    said = draft.rule_id
    if wanted.rule_id is not None and said != wanted.rule_id:
        reason = f"expected rule_id {wanted.rule_id!r}, got {said[:80]!r}"
    elif problem := rule_id_problem(said):
        reason = problem[1][:200]
    elif wanted.rule_id is None and said in wanted.taken:
        reason = f"expected an id that no rule has, got {said!r}"
    else:
        return None
    fix = "use the id that was asked for, or a new <namespace>.<name> if none was"
    return Finding("draft-rule-id", "answer", 1, 1, reason, fix)


def _wrong_package(draft: Draft, wanted: Wanted) -> Finding | None:
    package = wanted.package or package_of(draft.rule_id)
    for text, expected in ((draft.rule, package), (draft.test, f"{package}_test")):
        said = _PACKAGE.findall(text)
        if said != [expected]:
            got = ", ".join(name[:80] for name in said[:3]) or "none"
            reason = f"expected package {expected}, got {got}"
            fix = f"write: package {expected}"
            return Finding("draft-package", "answer", 1, 1, reason, fix)
    return None
