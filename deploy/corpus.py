# SPDX-License-Identifier: Apache-2.0
"""Prints both corpora of overlay files as Markdown: what the gate says of each, where.

Usage: ``make corpus``. The files are those of the tests: those that try to loosen, all
refused, and those of a careful author, all accepted.
"""

from bundle.confine import check_confined
from bundle.finding import ConfinementError
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import Engine
from tests.attacks.test_overlay_escape_careful_author import RULES
from tests.attacks.test_overlay_escape_corpus import CORPUS
from tests.simulators.rego import BUNDLE_PATH


def said(source: str, engine: Engine) -> list[str]:
    """Return what the gate says of a file: nothing if it is accepted."""
    try:
        check_confined({BUNDLE_PATH: source.encode()}, parse=engine.parse)
    except ConfinementError as error:
        return [f"`{f.code}` {f.line}:{f.column}" for f in error.findings]
    return []


def table(files: dict[str, str], engine: Engine) -> str:
    """Return one line for each file."""
    lines = ["| file | the gate says, line:column |", "|---|---|"]
    for name, source in files.items():
        found = said(source, engine)
        lines.append(f"| {name} | {', '.join(found) or 'accepted'} |")
    return "\n".join(lines)


def main() -> None:
    """Print both tables, and how many there are of each."""
    with EmbeddedEngine() as engine:
        for title, files in (
            ("Files that try to loosen", CORPUS),
            ("Files of a careful author", RULES),
        ):
            refused = sum(bool(said(source, engine)) for source in files.values())
            counts = f"{len(files)} files, {refused} refused"
            print(f"## {title}: {counts}\n\n{table(files, engine)}\n")


if __name__ == "__main__":
    main()
