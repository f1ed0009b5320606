# SPDX-License-Identifier: Apache-2.0
"""The overlay folder that a command works in, and the rules that it means."""

from collections.abc import Sequence
from pathlib import Path

import click

from bundle.overlay import (
    Overlay,
    RuleFiles,
    find_rule,
    overlay_root,
    read_overlay,
)

overlay_option = click.option(
    "--overlay",
    type=click.Path(path_type=Path),
    help="The overlay repository or folder; the working directory by default.",
)


def read_rules(overlay: Path | None) -> tuple[RuleFiles, ...]:
    """Return every rule of the overlay.

    Raises:
        OverlayFormatError: No rule, or what is not a rule's.
    """
    return read_whole(overlay).rules


def read_whole(overlay: Path | None) -> Overlay:
    """Return the overlay: its rules, and the retirements of those that left.

    Raises:
        OverlayFormatError: No rule, or what is not a rule's.
    """
    return read_overlay(overlay or Path())


def choose_rules(
    overlay: Path | None, rules: str | Sequence[str] | None
) -> tuple[RuleFiles, ...]:
    """Return the rules that are named by id or path, or every rule.

    Args:
        overlay: The overlay folder, or the repository that has it.
        rules: Names in the order of the answer; one rule named twice is one rule.

    Raises:
        NotFoundError: There is no such rule.
        OverlayFormatError: No rule, or what is not a rule's.
    """
    names = (rules,) if isinstance(rules, str) else tuple(rules or ())
    if not names:
        return read_rules(overlay)
    found = (find_rule(overlay or Path(), name) for name in names)
    return tuple({files.rule_path.resolve(): files for files in found}.values())


def overlay_folder(overlay: Path | None) -> Path:
    """Return the overlay folder, which is there.

    Raises:
        OverlayFormatError: It is not.
    """
    return overlay_root(overlay or Path())


def new_overlay_folder(overlay: Path | None) -> Path:
    """Return the overlay folder, also where it is still to be made.

    It is ``overlay/`` in the repository. A folder is itself one if it has that name, or
    rules in it, and is not the top of a repository.
    """
    directory = overlay or Path()
    named = directory.resolve().name == "overlay" or (directory / "rules").is_dir()
    top = (directory / ".git").exists() or (directory / "overlay").is_dir()
    return directory if named and not top else directory / "overlay"
