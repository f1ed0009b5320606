# SPDX-License-Identifier: Apache-2.0
"""The overlay folder of a branch: rules, their tests, their attestations.

Two layouts, both accepted everywhere::

    overlay/environment-profile.yaml
    overlay/rules/<rule_id>/<rule_id>.rego        and _test.rego, .sigstore.json
    overlay/<name>.rego                           and the same beside it

A rule may also have a case file, ``<stem>.cases.yaml`` or ``.cases.json``, and what
others say of its newest change (``bundle.beside``). Nothing else may lie in the folder,
and no link: what a reviewer sees is what is released. Here files are found and read;
``bundle.confine`` says what they may do.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

from bundle.beside import (
    LINT,
    approvals_beside,
    approved_stem,
    cosignatures_beside,
    cosigned_stem,
)
from bundle.errors import OverlayFormatError
from bundle.limits import KIB, MAX_RULES
from bundle.overlay_entries import (
    foreign,
    optional,
    own_id,
    read_each,
    refuse_link,
    require_file,
)
from bundle.overlay_retired import RETIRED, RetiredFiles, read_retired
from bundle.overlay_waivers import WAIVERS, WaiverFiles, read_waivers
from bundle.rego.limits import MAX_MODULE_BYTES
from bundle.rule import rule_id_problem
from keys.durable import read_file
from keys.errors import NotFoundError
from keys.record import record

PROFILE: Final = "environment-profile.yaml"
# An attestation with token, entry and 1000 cases.
MAX_ATTESTATION_BYTES: Final = 512 * KIB
# 1000 cases of 1 KB.
MAX_CASES_BYTES: Final = 1024 * KIB
MAX_PROFILE_BYTES: Final = 64 * KIB

_RULE: Final = ".rego"
_TEST: Final = "_test.rego"
_ATTESTATION: Final = ".sigstore.json"
_CASES: Final = (".cases.yaml", ".cases.json")
_SUFFIXES: Final = (_TEST, _RULE, RETIRED, LINT, _ATTESTATION, *_CASES)
_BESIDE: Final = (PROFILE, "README.md", ".gitkeep")
_LIST: Final = "`trustacks rule list` shows what there is"
_FIRST_RULE: Final = "`trustacks rule new <id> --from change-calendar` makes a rule"


@record
class RuleFiles:
    """The files of one rule.

    Attributes:
        rule_id: The folder's name, or what the file says its id is; empty if it says
            nothing, and then it lints as having no metadata.
        test: Empty if there is no test file.
        attestation: None if the rule is not signed.
        cases_path: Of the case file, if there is one.
        cases: Its bytes.
        approvals: What others say of its newest change, by the path of the file.
        cosignatures: Further signatures of its attestation's statement, in that way.
    """

    rule_id: str
    rule_path: Path
    test_path: Path
    attestation_path: Path
    rule: bytes
    test: bytes
    attestation: bytes | None
    cases_path: Path | None = None
    cases: bytes | None = None
    approvals: tuple[tuple[Path, bytes], ...] = ()
    cosignatures: tuple[tuple[Path, bytes], ...] = ()


@record
class Overlay:
    """An overlay folder.

    Attributes:
        root: The folder.
        rules: By id.
        profile: The bytes of the Environment Profile, or none.
        retired: What rules that left have left, by id.
        waivers: Exceptions from packs' rules, by name.
    """

    root: Path
    rules: tuple[RuleFiles, ...]
    profile: bytes | None
    retired: tuple[RetiredFiles, ...] = ()
    waivers: tuple[WaiverFiles, ...] = ()


def overlay_root(directory: Path) -> Path:
    """Return the overlay folder: ``directory``, or ``overlay`` in it.

    Raises:
        OverlayFormatError: Neither is one.
    """
    inner = directory / "overlay"
    root = inner if inner.is_dir() else directory
    if inner.is_symlink() or not root.is_dir():
        raise OverlayFormatError(
            f"expected a folder at {root}, got none",
            hint="run the command in the overlay repository, or name its folder",
        )
    if root is directory and not (root / "rules").is_dir() and root.name != "overlay":
        raise OverlayFormatError(
            f"expected a folder overlay/ in {directory}, got none",
            hint=_FIRST_RULE,
        )
    return root


def read_overlay(directory: Path) -> Overlay:
    """Read an overlay.

    Args:
        directory: The overlay folder, or the repository that has it.

    Raises:
        OverlayFormatError: Empty, or with a link, a foreign file or an id twice.
        StorageError: A file cannot be read, or is too large.
    """
    root = overlay_root(directory)
    rules = sorted(_rules(root), key=lambda files: files.rule_id)
    retired = tuple(read_retired(root))
    if not rules and not retired:
        raise OverlayFormatError(
            f"expected a rule in {root}, got none", hint=_FIRST_RULE
        )
    if len(rules) > MAX_RULES:
        raise OverlayFormatError(f"expected at most {MAX_RULES} rules, got more")
    for one, other in pairwise(rules):
        if one.rule_id and one.rule_id == other.rule_id:
            raise OverlayFormatError(
                f"expected one rule {one.rule_id}, got {one.rule_path} and "
                f"{other.rule_path}"
            )
    profile = optional(root / PROFILE, MAX_PROFILE_BYTES)
    waivers = tuple(read_waivers(root))
    return Overlay(root, tuple(rules), profile, retired, waivers)


def find_rule(directory: Path, rule: str | Path) -> RuleFiles:
    """Read one rule by its id, or by the path of its file.

    Args:
        directory: The overlay folder, or the repository that has it.
        rule: Such as ``acme.requires_ticket`` or ``./overlay/requires-ticket.rego``;
            a path is relative to the working directory.

    Raises:
        NotFoundError: There is no such rule.
        OverlayFormatError: The file is a link, a folder, or a test.
        StorageError: A file cannot be read, or is too large.
    """
    if isinstance(rule, Path) or rule.endswith(_RULE) or "/" in rule:
        return _read_rule(_named(Path(rule)))
    if rule_id_problem(rule) is None:
        root = overlay_root(directory)
        path = root / "rules" / rule / f"{rule}{_RULE}"
        for above in (path.parents[1], path.parent, path):
            refuse_link(above)
        if path.exists():
            return _read_rule(path)
        for flat in _flat(root):
            require_file(flat)
            if own_id(read_file(flat, max_bytes=MAX_MODULE_BYTES)) == rule:
                return _read_rule(flat)
    raise NotFoundError(f"expected a rule {rule} in {directory}, got none", hint=_LIST)


def _named(path: Path) -> Path:
    """Return the file that a path means: a rule's folder stands for its rule."""
    refuse_link(path)
    inside = path / f"{path.name}{_RULE}"
    if path.is_dir() and inside.exists():
        return inside
    if not path.exists():
        raise NotFoundError(f"expected a rule at {path}, got none", hint=_LIST)
    if path.is_dir() or path.name.endswith(_TEST) or not path.name.endswith(_RULE):
        raise OverlayFormatError(
            f"expected the file of a rule, got {path}",
            hint="name a rule by its id, its folder or its .rego file",
        )
    return path


def _rules(root: Path) -> Iterator[RuleFiles]:
    for entry in sorted(root.iterdir()):
        refuse_link(entry)
        if entry.name == "rules" and entry.is_dir():
            for folder in sorted(entry.iterdir()):
                yield from _folder(folder)
        elif entry.name == WAIVERS and entry.is_dir():
            continue
        elif not entry.is_file() or not _known(entry, entry.parent):
            raise foreign(entry)
    # Listed once: a thousand rules may lie side by side.
    beside = [path for path in root.iterdir() if path.name.endswith(_ATTESTATION)]
    for path in _flat(root):
        yield _read_rule(path, beside)


def _folder(folder: Path) -> Iterator[RuleFiles]:
    refuse_link(folder)
    if not folder.is_dir():
        if folder.name != ".gitkeep":
            raise foreign(folder)
        return
    for entry in sorted(folder.iterdir()):
        refuse_link(entry)
        named = entry.name in _names(folder.name) or folder.name in (
            approved_stem(entry.name),
            cosigned_stem(entry.name),
        )
        if not entry.is_file() or not named:
            raise foreign(entry)
    path = folder / f"{folder.name}{_RULE}"
    if path.exists():
        yield _read_rule(path)
    elif not (folder / f"{folder.name}{RETIRED}").exists():
        raise OverlayFormatError(f"expected {path.name} in {folder}, got none")


def _flat(root: Path) -> list[Path]:
    rules = (path for path in root.glob(f"*{_RULE}") if path.is_file())
    return sorted(path for path in rules if not path.name.endswith(_TEST))


def _names(stem: str) -> set[str]:
    return {f"{stem}{suffix}" for suffix in _SUFFIXES}


def _known(entry: Path, parent: Path) -> bool:
    """Return whether a file beside flat rules belongs to one of them, or to all."""
    if entry.name in _BESIDE:
        return True
    stem = approved_stem(entry.name) or cosigned_stem(entry.name)
    if stem is not None:
        return (parent / f"{stem}{_RULE}").exists()
    for suffix in _SUFFIXES:
        stem = entry.name.removesuffix(suffix)
        if stem != entry.name:
            return (parent / f"{stem}{_RULE}").exists()
    return False


def _read_rule(path: Path, entries: Iterable[Path] | None = None) -> RuleFiles:
    """Read a rule's files; ``entries`` is what lies beside it, if that is known."""
    require_file(path)
    stem = path.name.removesuffix(_RULE)
    if path.name.endswith(_TEST) or stem == path.name:
        raise OverlayFormatError(f"expected the file of a rule, got {path}")
    rule = read_file(path, max_bytes=MAX_MODULE_BYTES)
    in_folder = path.parent.name == stem and path.parent.parent.name == "rules"
    if in_folder:
        refuse_link(path.parent)
        refuse_link(path.parent.parent)
    beside = {suffix: path.with_name(f"{stem}{suffix}") for suffix in _SUFFIXES}
    there = {suffix for suffix, companion in beside.items() if require_file(companion)}
    cases = next((beside[suffix] for suffix in _CASES if suffix in there), None)
    listed = list(path.parent.iterdir() if entries is None else entries)
    approvals = approvals_beside(path, listed)
    cosignatures = cosignatures_beside(path, listed)
    for one in (*approvals, *cosignatures):
        require_file(one)
    return RuleFiles(
        rule_id=stem if in_folder else own_id(rule),
        rule_path=path,
        test_path=beside[_TEST],
        attestation_path=beside[_ATTESTATION],
        rule=rule,
        test=optional(beside[_TEST], MAX_MODULE_BYTES) or b"",
        attestation=optional(beside[_ATTESTATION], MAX_ATTESTATION_BYTES),
        cases_path=cases,
        cases=read_file(cases, max_bytes=MAX_CASES_BYTES) if cases else None,
        approvals=read_each(approvals, MAX_ATTESTATION_BYTES),
        cosignatures=read_each(cosignatures, MAX_ATTESTATION_BYTES),
    )
