# SPDX-License-Identifier: Apache-2.0
"""``trustacks rule fmt``: one layout for all rules, so that a diff shows meaning."""

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from bundle.errors import OverlayFormatError
from bundle.rego.engine import Engine
from bundle.rego.format import Formatted, format_file
from bundle.rego.limits import MAX_MODULE_BYTES
from keys.durable import write_file
from trustacks._cli.engine import REGORUS, open_engine
from trustacks._cli.files import read_given
from trustacks._cli.lazy import command
from trustacks._cli.overlay_files import choose_rules, overlay_option
from trustacks._cli.session import Session
from trustacks.errors import RuleFormatFailedError, RuleNotFormattedError


@command("fmt")
@click.argument("rules", nargs=-1, metavar="[ID|PATH]...")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file differs.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@overlay_option
def fmt(
    session: Session,
    *,
    rules: tuple[str, ...],
    check: bool,
    diff: bool,
    overlay: Path | None,
) -> None:
    """Format rules and their tests: by id, by path, or all.

    A path is that of one Rego file, or of a folder with some.
    """
    paths = tuple(dict.fromkeys(_paths(overlay, rules)))
    done = _formatted(session, paths, open_engine(session, REGORUS))
    if not (check or diff):
        _write(session, done)
    session.output.result(
        {"files": [_json(path, one) for path, one in done.items()]},
        lambda: _text(done, write=not (check or diff), diff=diff),
    )
    _require(done, check=check)


def _paths(overlay: Path | None, rules: Sequence[str]) -> Iterator[Path]:
    for rule in rules or (None,):
        path = Path(rule) if rule and (rule.endswith(".rego") or "/" in rule) else None
        if path is not None and path.is_dir():
            yield from sorted(path.rglob("*.rego"))
        elif path is not None:
            yield path
        else:
            for files in choose_rules(overlay, rule):
                yield files.rule_path
                if files.test:
                    yield files.test_path


def _formatted(
    session: Session, paths: Sequence[Path], engine: Engine
) -> dict[Path, Formatted]:
    done = {}
    with session.output.progress("formatting") as step:
        for number, path in enumerate(paths, start=1):
            if path.is_symlink():
                raise OverlayFormatError(f"expected a file, got a link at {path}")
            data = read_given(path, max_bytes=MAX_MODULE_BYTES)
            done[path] = format_file(str(path), data, engine=engine)
            step(number, len(paths))
    return done


def _write(session: Session, done: dict[Path, Formatted]) -> None:
    signed = []
    for path, one in done.items():
        if one.changed:
            write_file(path, one.after, mode=path.stat().st_mode & 0o777)
            stem = path.name.removesuffix(".rego").removesuffix("_test")
            if path.with_name(f"{stem}.sigstore.json").exists():
                signed.append(stem)
    if signed:
        rules = " ".join(dict.fromkeys(signed))
        session.output.hint(
            f"other bytes need another signature: trustacks rule sign {rules}"
        )


def _text(done: dict[Path, Formatted], *, write: bool, diff: bool) -> str:
    lines = []
    for path, one in done.items():
        if one.finding is not None:
            lines += [f"error: {one.finding}", f"  fix: {one.finding.fix}"]
        elif one.changed and diff:
            lines += _diff(path, one)
        elif one.changed:
            lines.append(f"{'formatted' if write else 'differs'}: {path}")
    changed = sum(one.changed for one in done.values())
    failed = sum(one.finding is not None for one in done.values())
    if not changed and not failed:
        return f"all of {len(done)} files are formatted"
    what = "formatted" if write else "would be formatted"
    tail = f", {failed} could not be" if failed else ""
    return "\n".join([*lines, f"{changed} of {len(done)} files {what}{tail}"])


def _diff(path: Path, one: Formatted) -> list[str]:
    before, after = (
        data.decode("utf-8", "replace").split("\n") for data in (one.before, one.after)
    )
    return list(
        difflib.unified_diff(before, after, str(path), f"{path} formatted", lineterm="")
    )


def _require(done: dict[Path, Formatted], *, check: bool) -> None:
    """Refuse where a file could not be formatted, or is not and should be.

    Raises:
        RuleFormatFailedError: One cannot be read as Rego.
        RuleNotFormattedError: With ``check``, one differs.
    """
    failed = [str(path) for path, one in done.items() if one.finding is not None]
    if failed:
        raise RuleFormatFailedError(
            f"expected Rego, got something else in {', '.join(failed)}", files=failed
        )
    differ = [str(path) for path, one in done.items() if one.changed]
    if check and differ:
        raise RuleNotFormattedError(
            f"expected formatted files, got {len(differ)} that differ",
            hint="trustacks rule fmt",
            files=differ,
        )


def _json(path: Path, one: Formatted) -> dict[str, Any]:
    return {
        "path": str(path),
        "changed": one.changed,
        "finding": None if one.finding is None else one.finding.to_json(),
    }
