# SPDX-License-Identifier: Apache-2.0
"""Keep the rules of the newest release for authors, once they are verified."""

from bundle.archive import unpack
from bundle.build import rule_path
from bundle.gate.candidate import bundle_target
from bundle.gate.errors import InventoryNotReleasedError
from bundle.limits import BUNDLE_BOUNDS
from keys.digest import Digest
from trustacks.pinned import Head, Pinned, PinnedStore
from trustacks.released import store_released


def keep_released(store: PinnedStore, pinned: Pinned, head: Head | None) -> None:
    """Keep the rules of the newest release; without one, nothing changes.

    Raises:
        VerificationError: They are not what the release lists.
        FormatError: What is published is not a bundle of ours.
    """
    if head is not None:
        rules = released_rules(pinned, head)
        store_released(store.directory, head.release.revision, rules)


def released_rules(pinned: Pinned, head: Head) -> dict[str, bytes]:
    """Return the Rego of every rule of the newest release, by id.

    Raises:
        InventoryNotReleasedError: The archive does not hold what ``head`` lists.
        FormatError: It is not an OPA bundle of ours.
    """
    name = bundle_target(head.release.revision)
    files = unpack(pinned.fetched.target(name, max_bytes=BUNDLE_BOUNDS.max_bytes))
    rules = {}
    for item in head.release.inventory:
        data = files.get(rule_path(item.rule_id), b"")
        if Digest.of(data) != item.rule:
            raise InventoryNotReleasedError(
                f"rule {item.rule_id}: expected {item.rule} as released, "
                f"got {Digest.of(data)}"
            )
        rules[item.rule_id] = data
    return rules
