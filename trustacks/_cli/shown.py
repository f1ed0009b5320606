# SPDX-License-Identifier: Apache-2.0
"""Shows a statement before it is signed: what a person signs, they have seen.

Every field is shown. Long texts are cut and say their length; of a long list the first
fifty are shown, and how many more there are. Only test cases are summed up: a rule's
predicate cannot be built with a case that did not say what it should.
"""

from collections.abc import Iterator
from typing import Any, Final

from keys.strict import loads_json
from signer.limits import MAX_STATEMENT_BYTES
from signer.statement import parse_statement
from trustacks._cli.output import printable

_LONGEST: Final = 160
_MOST: Final = 50


def statement_text(statement: bytes) -> str:
    """Return a statement as lines for people.

    Raises:
        FormatError: Not a statement.
    """
    parsed = parse_statement(statement)
    kind = parsed.predicate_type.rpartition("/attestations/")[2]
    lines = [f"signing {kind}"]
    lines += [f"  {s.name}  {s.digest}" for s in parsed.subjects]
    predicate = _summed(parsed.predicate)
    lines += [f"  {name} = {value}" for name, value in _flat(predicate, "")]
    return "\n".join(lines)


def foreign_text(statement: bytes) -> str:
    """Return anybody's statement as lines for people.

    Raises:
        FormatError: Not a statement.
    """
    value = loads_json(
        statement, max_bytes=MAX_STATEMENT_BYTES, what="statement", floats=True
    )
    about = value["subject"]
    lines = [f"signing {_cut(value['predicateType'])}"]
    lines += [
        f"  {_cut(one['name'])}  sha256:{one['digest']['sha256']}"
        for one in about[:_MOST]
    ]
    if len(about) > _MOST:
        lines.append(f"  and {len(about) - _MOST} more")
    said = _flat(value["predicate"], "")
    lines += [f"  {_cut(name)} = {shown}" for name, shown in said]
    return "\n".join(lines)


def _summed(predicate: dict[str, Any]) -> dict[str, Any]:
    scope = predicate.get("scope")
    if isinstance(scope, dict):
        # Who signs a waiver must not read that it is for nothing.
        scope = {k: "every one" if v is None else v for k, v in scope.items()}
        predicate = {**predicate, "scope": scope}
    test = predicate.get("test")
    if not isinstance(test, dict) or not isinstance(test.get("cases"), list):
        return predicate
    cases = f"{len(test['cases'])}, each as expected; --json lists them"
    return {**predicate, "test": {**test, "cases": cases}}


def _flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and any(isinstance(v, dict) for v in value):
        for index, inner in enumerate(value[:_MOST]):
            yield f"{name}[{index}]", ", ".join(f"{k} {v}" for k, v in _flat(inner, ""))
        if len(value) > _MOST:
            yield name, f"and {len(value) - _MOST} more"
    else:
        yield name, _cut(value)


def _cut(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(v) for v in value) or "none"
    text = "none" if value is None else printable(str(value)).replace("\n", " ")
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}... ({len(text)} characters)"
