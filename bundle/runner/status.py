# SPDX-License-Identifier: Apache-2.0
"""What a Runner stands on, for people and for ``--json``."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bundle.marks import Marks
from bundle.runner.active import Active
from bundle.runner.event import Event
from keys.clock import format_instant
from keys.digest import Digest
from keys.errors import TrustacksError
from signer.form import Form


@dataclass(frozen=True, slots=True)
class RunnerStatus:
    """A Runner at an instant.

    Attributes:
        runner: Its id.
        at: The instant.
        workspace: SHA-256 of the pinned genesis root.
        form: By the pinned root, never by the server.
        fresh: Nothing was ever accepted here.
        revision: The active release, or ``None``.
        release: SHA-256 of the PAE of its attestation.
        archive: SHA-256 of its ``bundle.tar.gz``.
        expires: When it stops deciding.
        code: Why it decides nothing, or ``None``.
        message: The same for people.
        marks: What may not go backwards.
        last: The last step of this process.
    """

    runner: str
    at: datetime
    workspace: Digest
    form: Form
    fresh: bool
    revision: int | None
    release: Digest | None
    archive: Digest | None
    expires: datetime | None
    code: str | None
    message: str | None
    marks: Marks | None
    last: Event | None

    @classmethod
    def of(
        cls,
        active: Active | None,
        *,
        at: datetime,
        runner: str,
        workspace: Digest,
        form: Form,
        marks: Marks | None,
        refusal: TrustacksError | None,
        last: Event | None,
    ) -> "RunnerStatus":
        """Return the status of a Runner."""
        release = active.release if active else None
        return cls(
            runner=runner,
            at=at,
            workspace=workspace,
            form=form,
            fresh=marks is None,
            revision=release.revision if release else None,
            release=release.digest if release else None,
            archive=release.archive if release else None,
            expires=release.expires if release else None,
            code=refusal.code if refusal else None,
            message=refusal.message if refusal else None,
            marks=marks,
            last=last,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the status as a document."""
        return {
            "runner": self.runner,
            "at": format_instant(self.at),
            "workspace": str(self.workspace),
            "form": self.form.value,
            "fresh": self.fresh,
            "revision": self.revision,
            "release": self.release and str(self.release),
            "archive": self.archive and str(self.archive),
            "expires": self.expires and format_instant(self.expires),
            "code": self.code,
            "message": self.message,
            "marks": self.marks and self.marks.to_json(),
            "last": self.last and self.last.to_json(),
        }
