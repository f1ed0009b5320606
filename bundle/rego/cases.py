# SPDX-License-Identifier: Apache-2.0
"""Case files: inputs with the verdict that a rule must give.

::

    cases:
      - name: hotfix without a ticket
        polarity: negative        # denied; `positive` is allowed
        input: {proposal: {...}, context: {...}}

YAML or JSON, read as strictly: no duplicate key, no alias, no tag, no date.
"""

from dataclasses import dataclass
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

Polarity = Literal["positive", "negative"]
POLARITIES: Final[tuple[Polarity, Polarity]] = ("positive", "negative")


@dataclass(frozen=True, slots=True)
class Case:
    """An input, and whether the rule lets it pass.

    Attributes:
        polarity: ``positive`` is allowed, ``negative`` is denied.
    """

    name: str
    polarity: Polarity
    input: Any


def parse_cases(path: Path, data: bytes) -> tuple[Case, ...]:
    """Parse a case file by its name's ending.

    Raises:
        CaseFileError: Another shape, or two cases of one name.
    """
    try:
        value = _load(path, data)
        fields = Fields(value, path.name)
        cases = tuple(
            _case(item) for item in fields.objects("cases", max_items=MAX_CASES)
        )
        fields.done()
    except CaseFileError:
        raise
    except FormatError as error:
        raise CaseFileError(error.message, hint="see docs/formats/rule.md") from error
    names = [case.name for case in cases]
    if twice := {name for name in names if names.count(name) > 1}:
        raise CaseFileError(
            f"{path.name}: expected distinct names, got {min(twice)!r} twice"
        )
    return cases


def _case(fields: Fields) -> Case:
    name = fields.text("name", max_chars=200)
    said = fields.one_of("polarity", POLARITIES)
    polarity: Polarity = "positive" if said == "positive" else "negative"
    case = Case(name, polarity, fields.any("input"))
    fields.done()
    return case


def _load(path: Path, data: bytes) -> Any:
    if path.suffix == ".json":
        return loads_json(data, max_bytes=MAX_CASES_BYTES, what=path.name)
    if len(data) > MAX_CASES_BYTES:
        raise CaseFileError(f"{path.name}: expected at most {MAX_CASES_BYTES} bytes")
    from bundle.rego.yaml import load_yaml  # noqa: PLC0415 - PyYAML takes 25 ms

    # Through JSON once more: its bounds on depth and integers, and its data model.
    document = load_yaml(data, what=path.name)
    return loads_json(
        dumps_json(document), max_bytes=4 * MAX_CASES_BYTES, what=path.name
    )
