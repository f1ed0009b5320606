# SPDX-License-Identifier: Apache-2.0
"""Evaluate a proposal: every layer and every overlay rule answers for itself.

Laws (DESIGN 5, Verdict; 9, Input):

- allow is the empty set of denies; no answer is a deny with the error's code;
- a deny of ``overlay.<leaf>`` carries the id of that rule, whatever its object says;
- an error of one rule takes no other rule's deny away;
- the constitution is asked alone, so that nothing beside it can change its answer;
- ``evaluated_at`` is set here from the instant given, never by the caller.

Not here: whether there is a release that may be used (``bundle.runner``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bundle.decision import CALLER, RUNNER, Deny
from bundle.errors import EvaluatedAtRefusedError, InputFormatError, NoAnswerError
from bundle.layers import Layer
from bundle.limits import (
    MAX_DENIES,
    MAX_INPUT_BYTES,
    MAX_LAYER_RULE_ID_CHARS,
    MAX_MESSAGE_CHARS,
)
from bundle.rego.engine import Engine, Module, Policy
from bundle.rego.errors import EvaluationError
from bundle.rego.schema import check_input
from bundle.rule import RuleModule
from bundle.waivers import Found
from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import MAX_TEXT_CHARS
from keys.strict import dumps_json, loads_json

CITATION_FIELDS: Final = frozenset({"id", "description", "category", "source"})

# Valid, and about nothing: no rule may fail to answer it.
CANARY: Final[Mapping[str, Any]] = {
    "proposal": {"files": []},
    "context": {"target": {"name": "canary", "tier": "dev"}},
}


@dataclass(frozen=True, slots=True)
class Document:
    """A proposal, checked, and with the instant set.

    Attributes:
        value: The input document.
        data: Its canonical bytes.
        sources: Who filled each field of its context.
    """

    value: Mapping[str, Any]
    data: bytes
    sources: Mapping[str, str]

    @property
    def digest(self) -> Digest:
        """SHA-256 of the canonical bytes."""
        return Digest.of(self.data)


def prepare_input(proposal: Mapping[str, Any], *, at: datetime) -> Document:
    """Check a proposal against the published schema and set ``evaluated_at``.

    Raises:
        InputFormatError: Not JSON, or not what the schema says.
        LimitExceededError: Larger or deeper than a proposal may be.
        EvaluatedAtRefusedError: The caller set the instant.
    """
    value = _json_copy(proposal)
    context = value.get("context")
    if isinstance(context, dict):
        if "evaluated_at" in context:
            raise EvaluatedAtRefusedError(
                "expected no input.context.evaluated_at, got one",
                hint="leave it out: the Runner sets it from its own clock",
            )
        sources = dict.fromkeys((f"context.{name}" for name in context), CALLER)
        context["evaluated_at"] = format_instant(at)
        sources["context.evaluated_at"] = RUNNER
    else:
        sources = {}
    check_input(value)
    return Document(value, dumps_json(value), sources)


def replay_input(data: bytes, *, at: datetime) -> Document:
    """Read a recorded document again; its ``evaluated_at`` must be ``at``.

    Raises:
        FormatError: Not the canonical bytes of a document that was decided at ``at``.
    """
    value = loads_json(data, max_bytes=MAX_INPUT_BYTES, what="input", floats=True)
    check_input(value)
    if value["context"].get("evaluated_at") != format_instant(at):
        raise InputFormatError("expected the record's instant in the input")
    return Document(value, data, {})


class Stack:
    """Constitution, packs and overlay, loaded together into an engine.

    Args:
        engine: Evaluates.
        constitution: Loaded a second time, alone.
        packs: By whichever order; each has a package ``pack.<name>``.
        rules: Confined rules, each with a package of its own.

    Raises:
        RegoCompileError: They do not fit together.
        EvaluationError: The engine does not answer.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        constitution: Layer,
        packs: Sequence[Layer],
        rules: Sequence[RuleModule],
    ) -> None:
        self._constitution = constitution
        self._packs = {pack.deny_path: pack for pack in packs}
        self._rules = {rule.deny_path: rule for rule in rules}
        modules = [*constitution.modules, *(m for p in packs for m in p.modules)]
        modules += [Module(r.path, r.source.decode()) for r in rules]
        self._alone = engine.load(constitution.modules)
        self._all = engine.load(modules)
        self._citations = self._read_citations()

    def denies(self, document: Document) -> tuple[Deny, ...]:
        """Return every deny, in the order constitution, packs, overlay."""
        return bounded([one.deny for one in self.found(document)])

    def found(self, document: Document) -> list[Found]:
        """Return every deny in that order, each with the pack that it comes from."""
        first, paths = self._constitution.deny_path, [*self._packs, *self._rules]
        answers = [
            *evaluate_each(self._alone, [first], document.value),
            *evaluate_each(self._all, paths, document.value),
        ]
        found: list[Found] = []
        for path, answer in zip([first, *paths], answers, strict=True):
            pack = self._packs[path].digest if path in self._packs else None
            found += [Found(deny, pack) for deny in self._read_denies(path, answer)]
        return found

    def require_answers(self, *, at: datetime) -> None:
        """Ask about the canary: engines find some faults only when they evaluate.

        Raises:
            NoAnswerError: A layer or rule does not answer.
        """
        for deny in self.denies(prepare_input(CANARY, at=at)):
            if deny.code:
                raise NoAnswerError(
                    f"{deny.rule_id}: expected an answer to an empty proposal, "
                    f"got {deny.code}: {deny.message}",
                    rule_id=deny.rule_id,
                )

    def close(self) -> None:
        """Forget the modules."""
        self._alone.close()
        self._all.close()

    def _read_denies(self, path: str, answer: Any) -> list[Deny]:
        layer, rule_id, citation = self._origin(path)
        if isinstance(answer, EvaluationError):
            return [Deny(layer, rule_id, _cut(str(answer)), citation, answer.code)]
        if not isinstance(answer, list):
            text = f"expected a set at {path}, got {type(answer).__name__}"
            return [Deny(layer, rule_id, text, citation, EvaluationError.code)]
        return [self._read_deny(layer, rule_id, citation, item) for item in answer]

    def _read_deny(
        self, layer: str, rule_id: str, citation: Mapping[str, str] | None, item: Any
    ) -> Deny:
        said = item if isinstance(item, dict) else {}
        message = _cut(str(said.get("message", item)))
        if layer == "overlay":
            return Deny(layer, rule_id, message, citation)
        said_id: Any = said.get("rule_id")
        own_id = str(said_id) if _is_rule_id(said_id) else rule_id
        return Deny(layer, own_id, message, self._citations.get(own_id))

    def _origin(self, path: str) -> tuple[str, str, Mapping[str, str] | None]:
        if path in self._rules:
            rule = self._rules[path]
            return "overlay", rule.rule_id, citation_of(rule)
        if path in self._packs:
            return "pack", self._packs[path].name, None
        return "constitution", self._constitution.name, None

    def _read_citations(self) -> dict[str, Mapping[str, str]]:
        paths = [f"data.{p.package}.rule_metadata" for p in self._packs.values()]
        own = f"data.{self._constitution.package}.rule_metadata"
        answers = [
            *evaluate_each(self._alone, [own], {}),
            *evaluate_each(self._all, paths, {}),
        ]
        found: dict[str, Mapping[str, str]] = {}
        for answer in answers:
            for rule_id, metadata in _items(answer):
                citation = dict(_items(metadata)).get("citation")
                if isinstance(citation, dict) and _is_citation(citation):
                    found[rule_id] = citation
        return found


def evaluate_each(policy: Policy, paths: Sequence[str], document: Any) -> list[Any]:
    """Evaluate paths so that one that takes the engine down takes no other with it."""
    try:
        return policy.evaluate_many(paths, document)
    except EvaluationError as error:
        if len(paths) == 1:
            return [error]
    half = len(paths) // 2
    return [
        *evaluate_each(policy, paths[:half], document),
        *evaluate_each(policy, paths[half:], document),
    ]


def citation_of(rule: RuleModule) -> dict[str, str]:
    """Return a rule's citation as attestations and records hold it."""
    citation = rule.metadata.citation
    return {
        "id": citation.id,
        "description": citation.description,
        "category": citation.category,
        "source": citation.source,
    }


def bounded(denies: Sequence[Deny]) -> tuple[Deny, ...]:
    """Keep the first reasons and say how many there are more."""
    more = len(denies) - MAX_DENIES
    if more <= 0:
        return tuple(denies)
    rest = Deny("runner", "trustacks.more_denies", f"and {more} more", code="more")
    return (*denies[:MAX_DENIES], rest)


def _cut(text: str) -> str:
    return (
        text if len(text) <= MAX_MESSAGE_CHARS else text[: MAX_MESSAGE_CHARS - 1] + "…"
    )


def _is_rule_id(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_LAYER_RULE_ID_CHARS


def _is_citation(value: Mapping[str, Any]) -> bool:
    """Whether a layer's citation is one that a record can hold."""
    return set(value) == CITATION_FIELDS and all(
        isinstance(v, str) and 0 < len(v) <= MAX_TEXT_CHARS for v in value.values()
    )


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


def _json_copy(proposal: Mapping[str, Any]) -> dict[str, Any]:
    try:
        data = dumps_json(proposal)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputFormatError(f"input: expected JSON values: {error}") from error
    value = loads_json(data, max_bytes=MAX_INPUT_BYTES, what="input", floats=True)
    if not isinstance(value, dict):
        raise InputFormatError(f"input: expected an object, got {type(value).__name__}")
    return value
