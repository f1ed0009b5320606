# SPDX-License-Identifier: Apache-2.0
"""Writes what a command found where ``--sarif`` says."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import click

from bundle.finding import Finding
from keys.errors import UsageError
from trustacks._cli.output import Output
from trustacks.errors import GitError

_STDOUT: Final = Path("-")

sarif_option = click.option(
    "--sarif",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the findings as SARIF; - is standard output.",
)


def require_sarif(output: Output, target: Path | None) -> None:
    """Refuse a target that cannot be written, before any work is done.

    Raises:
        UsageError: Standard output is for ``--json`` already.
        FileExistsRefusedError: The file is there.
    """
    if target == _STDOUT and output.as_json:
        raise UsageError("expected --json or --sarif -, got both")
    if target is not None and target != _STDOUT:
        from trustacks._cli.files import refuse_existing  # noqa: PLC0415 - to write

        refuse_existing(target)


def write_sarif(
    output: Output, target: Path | None, findings: Iterable[Finding], *, near: Path
) -> bool:
    """Write findings as SARIF; return whether they took standard output.

    Args:
        output: The terminal.
        target: A new file, ``-``, or None to write nothing.
        findings: What was found.
        near: A folder in the repository that paths are relative to the top of; where
            there is none they are relative to this folder.

    Raises:
        FileExistsRefusedError: The file is there; it stays.
        NotFoundError: Its folder is not.
    """
    if target is None:
        return False
    from bundle.lint.sarif import to_sarif  # noqa: PLC0415 - only where it is asked for

    log = to_sarif(findings, root=_top(near))
    text = json.dumps(log, indent=2, ensure_ascii=False) + "\n"
    if target == _STDOUT:
        output.printed = True
        output.stdout.write(text)
        output.stdout.flush()
        return True
    from trustacks._cli.files import write_new  # noqa: PLC0415 - to write

    write_new(target, text.encode())
    return False


def _top(near: Path) -> Path:
    from trustacks._cli.git import find_repository  # noqa: PLC0415 - runs git

    try:
        return find_repository(near).root
    except GitError:
        return near
