# SPDX-License-Identifier: Apache-2.0
"""Ask the Control Plane's index: who signed what, what is where, who runs it.

The index answers fast and proves nothing: whoever relies on an attestation verifies it,
and an auditor replays the log.
"""

from collections.abc import Iterator
from typing import Any, Final

from keys.digest import Digest
from signer.attestation import Attestation, parse_attestation
from trustacks.answers import bytes_of, items_of, optional_of
from trustacks.client import WorkspaceApi
from trustacks.errors import UnexpectedAnswerError

_PAGE: Final = "64"
# More pages than any log of ours has; an index that never ends is broken.
_MAX_PAGES: Final = 100_000


def attestations(api: WorkspaceApi, **query: str) -> Iterator[dict[str, Any]]:
    """Yield logged attestations, oldest first.

    Args:
        api: The workspace's.
        query: ``subject``, or ``identity`` and perhaps ``predicate_type``.
    """
    yield from _pages(api, "/attestations", query)


def attestations_about(api: WorkspaceApi, subject: Digest) -> Iterator[Attestation]:
    """Yield the attestations that name a subject, parsed and not verified.

    Raises:
        FormatError: What was answered is no attestation.
    """
    for item in attestations(api, subject=str(subject)):
        yield parse_attestation(bytes_of(item, "attestation"))


def releases_with(api: WorkspaceApi, rule: str) -> Iterator[dict[str, Any]]:
    """Yield the releases that have a rule in force, oldest first.

    Args:
        api: The workspace's.
        rule: Its id, or the digest of its Rego.
    """
    yield from _pages(api, "/releases", {"rule": rule})


def runners_of(api: WorkspaceApi, revision: int) -> list[dict[str, Any]]:
    """Return the Runners that activated a revision, by their first report of it."""
    return items_of(api.get(f"/releases/{revision}/runners"))


def _pages(
    api: WorkspaceApi, path: str, query: dict[str, str]
) -> Iterator[dict[str, Any]]:
    start = 0
    for _ in range(_MAX_PAGES):
        answer = api.get(path, **query, start=str(start), limit=_PAGE)
        yield from items_of(answer)
        after = optional_of(answer, "next")
        if after is None:
            return
        if not isinstance(after, int) or after <= start:
            raise UnexpectedAnswerError(
                f"expected pages that go on after {start}, got {after!r}"
            )
        start = after
    raise UnexpectedAnswerError(f"expected at most {_MAX_PAGES} pages, got more")
