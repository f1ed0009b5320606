# SPDX-License-Identifier: Apache-2.0
"""The rules of an overlay as they were in a commit.

Read from git's objects into memory: what was merged is not written to the disk again.
Files that are no rule's are passed over; they were another review's matter.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from bundle.overlay import MAX_CASES_BYTES, RuleFiles
from bundle.overlay_entries import own_id
from trustacks._cli.git import Repository
from trustacks._cli.git_tree import list_tree, read_blobs
from trustacks.review.changes import by_id

_RULE: Final = ".rego"
_TEST: Final = "_test.rego"
_ATTESTATION: Final = ".sigstore.json"
_CASES: Final = (".cases.yaml", ".cases.json")
_SUFFIXES: Final = (_RULE, _ATTESTATION, *_CASES)


def read_base(
    repository: Repository, commit: str, name: str, root: Path
) -> dict[str, RuleFiles]:
    """Return the rules of a commit by their ids.

    Args:
        repository: Where the overlay lies.
        commit: Its full id.
        name: The overlay's path in the repository; ``.`` is its top.
        root: The overlay's path as the caller names it.

    Raises:
        OverlayFormatError: It had a link or a submodule in it.
        GitError: Git refuses.
    """
    inside = "" if name == "." else name
    listed = list_tree(repository, commit, inside)
    entries = [entry for entry in listed if entry.path.endswith(_SUFFIXES)]
    read = read_blobs(repository, entries, max_bytes=MAX_CASES_BYTES)
    skip = len(inside) + 1 if inside else 0
    return by_id(_rules({path[skip:]: data for path, data in read.items()}, root))


def _rules(files: Mapping[str, bytes], root: Path) -> Iterator[RuleFiles]:
    for path, rule in files.items():
        stem = path.removesuffix(_RULE)
        if stem == path or path.endswith(_TEST):
            continue
        name = stem.rpartition("/")[2]
        in_folder = stem == f"rules/{name}/{name}"
        if not in_folder and stem != name:
            continue
        cases = next((stem + s for s in _CASES if stem + s in files), None)
        yield RuleFiles(
            rule_id=name if in_folder else own_id(rule),
            rule_path=root / path,
            test_path=root / f"{stem}{_TEST}",
            attestation_path=root / f"{stem}{_ATTESTATION}",
            rule=rule,
            test=files.get(stem + _TEST, b""),
            attestation=files.get(stem + _ATTESTATION),
            cases_path=root / cases if cases else None,
            cases=files.get(cases) if cases else None,
        )
