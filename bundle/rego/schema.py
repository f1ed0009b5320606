# SPDX-License-Identifier: Apache-2.0
"""Is this an input document? One published schema, checked on every decision.

Strict on purpose: a field that no rule can mean is a misspelling, and a rule that
reads a misspelt field sees nothing.
"""

from functools import cache
from importlib.resources import files
from typing import Any, Final

from bundle.errors import InputFormatError
from keys.strict import loads_json

# Bytes of the schema; it is 4 KB.
_MAX_SCHEMA_BYTES: Final = 65_536


def input_schema() -> dict[str, Any]:
    """Return the JSON Schema of the input document, version 1."""
    path = files("bundle") / "schemas" / "input-v1.schema.json"
    schema = loads_json(path.read_bytes(), max_bytes=_MAX_SCHEMA_BYTES, what="schema")
    return dict(schema)


def check_input(document: Any) -> None:
    """Refuse what is not an input document, version 1.

    Raises:
        InputFormatError: A field that is missing, unknown or ill-typed; the first.
    """
    errors = sorted(_validator().iter_errors(document), key=_order)
    if errors:
        (error, *more) = errors
        suffix = f" and {len(more)} more" if more else ""
        raise InputFormatError(
            f"{_where(error.absolute_path)}: {_reason(error)}{suffix}",
            hint="compare with docs/formats/input.md",
        )


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - 80 ms to import

    return Draft202012Validator(input_schema())


def _order(error: Any) -> tuple[str, str]:
    return _where(error.absolute_path), _reason(error)


def _where(path: Any) -> str:
    steps = (f"[{s}]" if isinstance(s, int) else f".{s}" for s in path)
    return "input" + "".join(steps)


def _reason(error: Any) -> str:
    """Say what was expected, without repeating the document."""
    keyword, wanted = error.validator, error.validator_value
    if keyword == "required":
        missing = [name for name in wanted if name not in error.instance]
        return f"expected a field {missing[0]!r}, got none"
    if keyword == "additionalProperties":
        known = error.schema.get("properties", {})
        extra = sorted(str(name)[:64] for name in error.instance if name not in known)
        return f"expected no field {extra[0]!r}"
    if keyword == "enum":
        return f"expected {' or '.join(map(str, wanted))}, got {_said(error.instance)}"
    if keyword == "pattern":
        example = "an instant like 2026-01-31T09:00:00Z"
        return f"expected {example}, got {_said(error.instance)}"
    return f"expected {keyword} {wanted}, got {_said(error.instance)}"


def _said(value: Any) -> str:
    return repr(value)[:64]
