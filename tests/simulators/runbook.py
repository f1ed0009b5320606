# SPDX-License-Identifier: Apache-2.0
"""Reads a runbook: who runs which command, and what the page says that it prints.

A ``console`` block is one person's terminal. Its title says whose; a block without one
goes on with the person before. A line that begins with ``$ `` is a command, which a
backslash at its end continues; what follows is its output, where ``...`` alone stands
for any number of lines, and in a line for any words. A command without output below it
may print anything.

Output is compared by meaning. Digests, key ids and times differ each time, so one of
the page stands for one of the run, the same wherever it stands again; a digest may be
cut short with an ellipsis (``sha256:4fe1…``). Spaces count as one.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_BLOCK = re.compile(
    r'```console(?: title="([^"]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE
)
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"
_HEX = r"[0-9a-f]{4,64}…|[0-9a-f]{12,64}"
_VARIABLE = re.compile(rf"({_INSTANT})|\b({_HEX})(?![0-9a-f])")
REST = "..."


@dataclass(frozen=True)
class Step:
    """One command of a page.

    Attributes:
        section: The heading that it stands under.
        line: Of the page.
        who: Whose terminal, as the page has it.
        command: What is typed, in one line.
        shown: The lines that the page shows.
    """

    section: str
    line: int
    who: str
    command: str
    shown: tuple[str, ...]


def read_runbook(page: Path) -> list[Step]:
    """Return the commands of a page, in order."""
    text = page.read_text()
    steps: list[Step] = []
    who = ""
    blocks = list(_BLOCK.finditer(text))
    assert len(blocks) == text.count("```console"), f"{page.name}: a block is not read"
    for block in blocks:
        who = block[1] or who
        assert who, f"{page.name}: the first console block says nobody's name"
        headings = _HEADING.findall(text[: block.start()])
        first = text[: block.start(2)].count("\n") + 1
        for at, command, shown in _commands(block[2].splitlines()):
            section = headings[-1] if headings else ""
            steps.append(Step(section, first + at, who, command, tuple(shown)))
    return steps


def _commands(lines: list[str]) -> Iterator[tuple[int, str, list[str]]]:
    at = 0
    while at < len(lines):
        start, command = at, lines[at]
        assert command.startswith("$ "), f"expected a command, got {command!r}"
        while command.endswith("\\"):
            at += 1
            command = f"{command[:-1].rstrip()} {lines[at].strip()}"
        at += 1
        shown = []
        while at < len(lines) and not lines[at].startswith("$ "):
            shown.append(lines[at])
            at += 1
        yield start, command.removeprefix("$ "), shown


@dataclass
class Names:
    """Which digest of the run one of the page stands for."""

    found: dict[str, str] = field(default_factory=dict)

    def meant(self, text: str) -> str:
        """Return a command with the digests of the run."""
        return _VARIABLE.sub(
            lambda m: m[1] or self.found.get(m[2].rstrip("…"), m[2]), text
        )

    def match(self, shown: str, said: str) -> bool:
        """Say whether a line says what the page says, and learn its digests."""
        wanted, got = " ".join(shown.split()), " ".join(said.split())
        pattern = re.compile(_pattern(wanted))
        found = pattern.fullmatch(got)
        if found is None:
            return False
        names = [m[2].rstrip("…") for m in _VARIABLE.finditer(wanted) if m[2]]
        known = dict(self.found)
        for name, value in zip(names, found.groups(), strict=True):
            if known.setdefault(name, value) != value:
                return False
        self.found = known
        return True


def _pattern(wanted: str) -> str:
    """Return a pattern with a group for each digest; a name holds at least its length."""
    parts, at = [], 0
    for found in _VARIABLE.finditer(wanted):
        parts.append(_literal(wanted[at : found.start()]))
        if found[1]:
            parts.append(_INSTANT)
        elif found[2].endswith("…"):
            parts.append("([0-9a-f]{12,64})")
        else:
            parts.append(f"([0-9a-f]{{{len(found[2])}}})")
        at = found.end()
    return "".join([*parts, _literal(wanted[at:])])


def _literal(text: str) -> str:
    return ".*?".join(map(re.escape, text.split(REST)))


def require_same(step: Step, said: Sequence[str], names: Names) -> None:
    """Hold that a command printed what the page shows."""
    left = list(said)
    groups = _groups(step.shown)
    for number, group in enumerate(groups):
        ends = len(left) - len(group)
        first = 0 if number == 0 or number < len(groups) - 1 else ends
        places = range(max(first, 0), (0 if number == 0 else ends) + 1)
        place = next((p for p in places if _stands(group, left[p:], names)), None)
        assert place is not None, _differs(step, group, said)
        left = left[place + len(group) :]
    assert not left, _differs(step, ["(the end)"], left)


def _groups(shown: Sequence[str]) -> list[list[str]]:
    """Return the runs of lines between the places where anything may stand."""
    groups: list[list[str]] = [[]]
    for line in shown:
        if line.strip() == REST:
            groups.append([])
        else:
            groups[-1].append(line)
    return groups


def _stands(group: Sequence[str], lines: Sequence[str], names: Names) -> bool:
    """Say whether lines begin with a group; learn its digests if they do."""
    trial = Names(dict(names.found))
    if len(lines) < len(group) or not all(map(trial.match, group, lines)):
        return False
    names.found = trial.found
    return True


def _differs(step: Step, group: Sequence[str], said: Sequence[str]) -> str:
    wanted, got = "\n".join(group), "\n".join(said)
    return f"line {step.line}: $ {step.command}\nexpected\n{wanted}\ngot\n{got}"
