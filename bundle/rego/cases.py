# SPDX-License-Identifier: Apache-2.0
"""Case files: inputs with the verdict that a rule must give.

::

    cases:
      - name: hotfix without a ticket
        polarity: negative        # denied; `positive` is allowed
        input: {proposal: {...}, context: {...}}

YAML or JSON, read as strictly: no duplicate key, no alias, no tag, no date.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from bundle.errors import CaseFileError
from keys.errors import FormatError
from keys.fields import Fields
from keys.strict import dumps_json, loads_json

# As many as an attestation may list.
MAX_CASES: Final = 1000
# Bytes of a case file; 1000 cases of 1 KB.
MAX_CASES_BYTES: Final = 1_048_576

# Open brackets around a case: the document's and the list's.
_IN_CASES: Final = 2

Polarity = Literal["positive", "negative"]
POLARITIES: Final[tuple[Polarity, Polarity]] = ("positive", "negative")


@dataclass(frozen=True, slots=True)
class Case:
    """An input, and whether the rule lets it pass.

    Attributes:
        polarity: ``positive`` is allowed, ``negative`` is denied.
        line: Where it begins in its file, from 1.
    """

    name: str
    polarity: Polarity
    input: Any
    line: int = field(default=1, compare=False)


def parse_cases(path: Path, data: bytes) -> tuple[Case, ...]:
    """Parse a case file by its name's ending.

    Raises:
        CaseFileError: Another shape, or two cases of one name; it has the line.
    """
    line = 1
    names: set[str] = set()
    cases = []
    try:
        value, lines = _load(path, data)
        fields = Fields(value, path.name)
        items = fields.objects("cases", max_items=MAX_CASES)
        fields.done()
        for item, line in zip(items, lines, strict=True):
            cases.append(_case(item, line, names))
    except CaseFileError:
        raise
    except FormatError as error:
        line = getattr(error.__cause__, "lineno", line)
        hint = "see docs/formats/rule.md"
        raise CaseFileError(error.message, hint=hint, line=line) from error
    return tuple(cases)


def _case(fields: Fields, line: int, names: set[str]) -> Case:
    name = fields.text("name", max_chars=200)
    if name in names:
        raise CaseFileError(
            f"{fields.where}: expected distinct names, got {name!r} twice", line=line
        )
    names.add(name)
    said = fields.one_of("polarity", POLARITIES)
    polarity: Polarity = "positive" if said == "positive" else "negative"
    case = Case(name, polarity, fields.any("input"), line)
    fields.done()
    return case


def _load(path: Path, data: bytes) -> tuple[Any, tuple[int, ...]]:
    """Return the document, and the line of each of its cases."""
    if path.suffix == ".json":
        value = loads_json(data, max_bytes=MAX_CASES_BYTES, what=path.name)
        return value, tuple(_item_lines(data.decode()))
    if len(data) > MAX_CASES_BYTES:
        raise CaseFileError(f"{path.name}: expected at most {MAX_CASES_BYTES} bytes")
    from bundle.rego.yaml import load_yaml_items  # noqa: PLC0415 - PyYAML takes 25 ms

    # Through JSON once more: its bounds on depth and integers, and its data model.
    document, lines = load_yaml_items(data, "cases", what=path.name)
    text = dumps_json(document)
    return loads_json(text, max_bytes=4 * MAX_CASES_BYTES, what=path.name), lines


def _item_lines(text: str) -> Iterator[int]:
    """Yield the lines of the objects in a list in an object, of JSON that was read."""
    depth, line, at = 0, 1, 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*+"|[{}\[\]]', text):
        if token[0] == "{" and depth == _IN_CASES:
            line += text.count("\n", at, token.start())
            at = token.start()
            yield line
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
