# SPDX-License-Identifier: Apache-2.0
"""The Environment Profile: which tools a workspace says that it has.

``environment-profile.yaml`` beside the rules, in the vendor's form, version 1. A rule
names the tooling categories that it needs; a rule that needs a ticket system in a
workspace that has none denies for a reason that nobody can mend. The profile is a claim
of the workspace about itself: it never changes a verdict.
"""

from collections.abc import Mapping
from typing import Any, Final

from bundle.errors import CaseFileError, ProfileFormatError
from bundle.rule_metadata import PRACTICES, TOOLING_CATEGORIES
from keys.errors import FormatError
from keys.fields import Fields
from keys.record import record

SCHEMA_VERSION: Final = "1"
# Of one category; a company has a handful.
MAX_TOOLS: Final = 50

Lines = Mapping[tuple[str | int, ...], int]


@record
class Profile:
    """An Environment Profile.

    Attributes:
        name: What the workspace calls it.
        tooling: Names of tools by category, for the categories that have any.
        practices: What the workspace says that it does.
    """

    name: str
    tooling: Mapping[str, tuple[str, ...]]
    practices: tuple[str, ...]

    def lacks(self, category: str) -> bool:
        """Return whether no tool is named for a category."""
        return category not in self.tooling

    def to_json(self) -> dict[str, Any]:
        """Return the profile as ``--json`` shows it."""
        return {
            "name": self.name,
            "tooling": {name: list(tools) for name, tools in self.tooling.items()},
            "practices": list(self.practices),
        }


def read_profile(data: bytes, *, what: str = "profile") -> Profile:
    """Read a profile.

    Args:
        data: The file's bytes.
        what: Names it in messages.

    Raises:
        ProfileFormatError: Not strict YAML, or another shape; it has the line.
    """
    from bundle.rego.yaml import load_yaml_lines  # noqa: PLC0415 - PyYAML takes 25 ms

    try:
        value, lines = load_yaml_lines(data, what=what)
    except CaseFileError as error:
        raise ProfileFormatError(error.message, line=error.line) from error
    return _Reading(what, lines).profile(value)


class _Reading:
    """One profile under the reader, and the lines of its parts."""

    def __init__(self, what: str, lines: Lines) -> None:
        self._what = what
        self._lines = lines
        self._at: tuple[str | int, ...] = ()

    def profile(self, value: Any) -> Profile:
        try:
            return self._profile(value)
        except FormatError as error:
            line = self._lines.get(self._at, 1)
            raise ProfileFormatError(error.message, line=line) from error

    def _profile(self, value: Any) -> Profile:
        fields = Fields(value, self._what)
        known = ("schema_version", "name", "practices", *TOOLING_CATEGORIES)
        for name in value:
            if name not in known:
                self._at = (name,)
                raise FormatError(f"{self._what}: expected no field {name!r}")
        self._at = ("schema_version",)
        fields.constant("schema_version", SCHEMA_VERSION)
        self._at = ("name",)
        name = fields.text("name", max_chars=100) if fields.has("name") else "default"
        tooling = {c: self._tools(fields, c) for c in TOOLING_CATEGORIES if c in value}
        practices = self._practices(fields) if fields.has("practices") else ()
        return Profile(name, {c: t for c, t in tooling.items() if t}, practices)

    def _tools(self, fields: Fields, category: str) -> tuple[str, ...]:
        self._at = (category,)
        tools = []
        entries = fields.objects(category, max_items=MAX_TOOLS)
        for number, entry in enumerate(entries):
            self._at = (category, number)
            tools.append(entry.text("provider", max_chars=200))
            if entry.has("primary"):
                entry.boolean("primary")
            if entry.has("notes"):
                entry.text("notes", empty=True)
            if entry.has("config"):
                entry.mapping("config")
            entry.done()
        return tuple(tools)

    def _practices(self, fields: Fields) -> tuple[str, ...]:
        self._at = ("practices",)
        said = fields.object("practices")
        held = []
        for name in said.names():
            self._at = ("practices", name)
            if name not in PRACTICES:
                raise FormatError(f"{said.where}: expected no field {name!r}")
            if said.boolean(name):
                held.append(name)
        return tuple(name for name in PRACTICES if name in held)
