# SPDX-License-Identifier: Apache-2.0
"""The gate, pinned: for programs that judge releases and run none.

``check_release`` trusts the first root that it is given; ``Verifier`` is where that
root is compared with the one that the caller pinned.
"""

from datetime import datetime
from typing import Self

from bundle.gate import Candidate, GateResult, check_release
from bundle.gate.errors import PinnedRootError
from bundle.marks import Known, Marks
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import Engine
from bundle.tuf.rootchain import open_roots
from keys.digest import Digest
from signer.form import Form


class Verifier:
    """Judges releases of one workspace.

    Args:
        root: The pinned TUF root, from a channel that you trust.
        engine: Parses and compiles Rego; by default in a limited child process.

    Attributes:
        workspace: SHA-256 of the pinned root.
        form: Who holds the admin keys, by that root.

    Raises:
        TrustacksError: The root is none.
    """

    def __init__(self, *, root: bytes, engine: Engine | None = None) -> None:
        pinned = open_roots([root])
        self._root = root
        self._engine: Engine = engine or EmbeddedEngine()
        self._own_engine = engine is None
        self.workspace: Digest = pinned.workspace
        self.form: Form = pinned.form

    def verify(
        self,
        candidate: Candidate,
        *,
        at: datetime,
        marks: Marks | None = None,
        floor: Known | None = None,
    ) -> GateResult:
        """Judge a release; see ``bundle.gate.check_release``.

        Raises:
            PinnedRootError: Its roots do not begin with the pinned one.
        """
        require_pinned(candidate.roots, self._root)
        return check_release(
            candidate, marks=marks, at=at, engine=self._engine, floor=floor
        )

    def close(self) -> None:
        """End the engine that was started here."""
        if self._own_engine:
            self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def require_pinned(roots: tuple[bytes, ...], pinned: bytes) -> None:
    """Refuse roots that do not begin with the pinned one.

    Raises:
        PinnedRootError: They begin with another, or there are none.
    """
    if roots[:1] != (pinned,):
        got = Digest.of(roots[0]) if roots else "none"
        raise PinnedRootError(
            f"expected roots from the pinned {Digest.of(pinned)}, got {got}"
        )
