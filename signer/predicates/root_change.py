# SPDX-License-Identifier: Apache-2.0
"""``root-change/v1``: an admin puts a version of the root metadata into the log.

The subject is the exact bytes of ``<N>.root.json``. It grants nothing: Runners follow
roots by their signatures alone. It makes every root visible, and replay refuses one
without. The genesis root needs none: it is what everything else names.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self

from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields
from signer.limits import MAX_CHECKPOINT_CHARS
from signer.predicates.base import ROOT_CHANGE
from signer.predicates.parts import must

_FIRST_CHANGED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RootChangePredicate:
    """An admin's word for one version of the root metadata.

    Attributes:
        workspace: SHA-256 of the genesis root.
        root_version: Its TUF version, from 2.
        previous: SHA-256 of the root before.
        at: When, as the signer says; not a trusted time.
        checkpoint: The log's signed note before the change.
    """

    type: ClassVar[str] = ROOT_CHANGE
    workspace: Digest
    root_version: int
    previous: Digest
    at: datetime
    checkpoint: str

    def __post_init__(self) -> None:
        must(self.root_version >= _FIRST_CHANGED, "a root after the genesis root")

    @property
    def signer(self) -> None:
        """Nobody in particular: the statement does not say."""

    @property
    def namespaces(self) -> frozenset[str]:
        """None: it decides about no rule."""
        return frozenset()

    @classmethod
    def parse(cls, predicate: dict[str, Any]) -> Self:
        """Parse the predicate.

        Raises:
            FormatError: Another shape.
        """
        fields = Fields(predicate, "root-change")
        parsed = cls(
            workspace=fields.digest("workspace"),
            root_version=fields.integer("root_version", minimum=_FIRST_CHANGED),
            previous=fields.digest("previous"),
            at=fields.instant("at"),
            checkpoint=fields.text("checkpoint", max_chars=MAX_CHECKPOINT_CHARS),
        )
        fields.done()
        return parsed

    def to_json(self) -> dict[str, Any]:
        """Return the predicate as a document."""
        return {
            "workspace": str(self.workspace),
            "root_version": self.root_version,
            "previous": str(self.previous),
            "at": format_instant(self.at),
            "checkpoint": self.checkpoint,
        }
