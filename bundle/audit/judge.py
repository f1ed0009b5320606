# SPDX-License-Identifier: Apache-2.0
"""One release, at one past instant, through the Runner's own gate.

Nothing is decided here. The bytes are gathered as a Runner gathers them
(``bundle.runner.collect``), only from a pack instead of a network, and as they stood
at a place of the log; then ``bundle.gate.check_release`` says what it says to everyone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tuf.api.metadata import Targets

from bundle.audit.errors import HistoryMissingError
from bundle.audit.history import read_target
from bundle.audit.pack import Pack
from bundle.audit.published import Listed, read_cosigned
from bundle.audit.records import Outcome
from bundle.audit.trust import TrustVersion
from bundle.chain_names import chain_name
from bundle.gate import GateResult, VerifiedRelease, check_release
from bundle.gate.chain import Link
from bundle.marks import Marks
from bundle.rego.engine import Engine
from bundle.runner.collect import collect
from bundle.tuf.metadata import parse_metadata
from bundle.tuf.roles import RELEASE
from bundle.tuf.view import TargetInfo, read_view
from keys.digest import Digest
from keys.errors import LimitExceededError, TrustacksError, UnavailableError
from signer.form import Form
from signer.result import VerificationResult


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gate said, or why it could not be asked.

    Attributes:
        outcome: Same as accepted, different, or not run.
        code: Of the refusal.
        detail: The same in words.
        result: Every check; none if it did not come to the gate.
        release: The release, if accepted.
    """

    outcome: Outcome
    code: str | None = None
    detail: str | None = None
    result: VerificationResult | None = None
    release: VerifiedRelease | None = None


@dataclass(frozen=True, slots=True)
class PackSource:
    """A pack as it stood at one place of the log: what a Runner could have fetched.

    Attributes:
        pack: Where the bytes are.
        roots: Roots of then.
        targets: Targets of then.
        release: The release role's metadata of then.
        listed: The files that these list.
    """

    pack: Pack
    roots: tuple[bytes, ...]
    targets: bytes
    release: bytes | None
    listed: Mapping[str, TargetInfo]

    def target(self, name: str, *, max_bytes: int) -> bytes:
        """Return a target's bytes.

        Raises:
            TrustacksError: It is not listed, not in the pack, or too large.
        """
        data = read_target(self.pack, name, self.listed)
        if len(data) > max_bytes:
            raise LimitExceededError(f"{name}: expected at most {max_bytes} bytes")
        return data

    def chain(self, digest: Digest) -> bytes:
        """Return an earlier release attestation.

        Raises:
            TrustacksError: It is not in the pack.
        """
        return self.pack.get(chain_name(digest))

    def cosigned(self, digest: Digest) -> tuple[bytes, ...]:
        """Return the further signatures of an earlier release."""
        return read_cosigned(self.pack, digest)


@dataclass(frozen=True, slots=True)
class Judge:
    """The gate, asked about what is in a pack.

    Attributes:
        pack: The evidence.
        listings: The metadata that lists each release, by the release's digest.
        engine: Parses and compiles Rego.
    """

    pack: Pack
    listings: Mapping[Digest, Sequence[Listed]]
    engine: Engine

    def __call__(
        self, link: Link, version: TrustVersion, *, marks: Marks | None, at: datetime
    ) -> Judgement:
        """Ask about one release.

        Args:
            link: The release.
            version: The trust that stood when it was logged.
            marks: What had been accepted before; none at the start.
            at: The instant that is decided for.
        """
        try:
            return _judgement(self._gate(link, version, marks, at))
        except HistoryMissingError as error:
            return Judgement(Outcome.NOT_RUN, error.code, error.message)
        except TrustacksError as error:
            return Judgement(Outcome.DIFFERENT, error.code, error.message)

    def _gate(
        self, link: Link, version: TrustVersion, marks: Marks | None, at: datetime
    ) -> GateResult:
        role = self._release_role(link, at)
        view = read_view(version.roots, version.targets, role, at=at)
        listed = {**view.files, **view.overlay}
        source = PackSource(self.pack, version.roots, version.targets, role, listed)
        # Where an operator's floor was, is not evidence. The release itself is one:
        # that it is not below the releases before it, the order of replay shows.
        floor = link.known if marks is None and view.form is Form.SOVEREIGN else None
        collected = collect(source, marks=marks, floor=floor, at=at)
        if collected.problem:
            raise collected.problem
        return check_release(
            collected.candidate, marks=marks, at=at, engine=self.engine, floor=floor
        )

    def _release_role(self, link: Link, at: datetime) -> bytes:
        """Return the first metadata that lists the release, and was good at ``at``.

        Later versions of the same list are renewals, possibly under other keys.
        """
        found = self.listings.get(link.digest, ())
        if not found:
            raise HistoryMissingError(
                f"expected metadata that lists revision {link.release.revision}, "
                "got none"
            )
        for listed in found:
            data = self.pack.get(listed.name)
            if not parse_metadata(data, Targets, RELEASE).signed.is_expired(at):
                return data
        return self.pack.get(found[-1].name)

    def cosigned(self, digest: Digest) -> tuple[bytes, ...]:
        """Return the further signatures that were published with a release."""
        return next((one.cosigned for one in self.listings.get(digest, ())), ())


def _judgement(gate: GateResult) -> Judgement:
    if gate.release:
        return Judgement(Outcome.SAME, result=gate.result, release=gate.release)
    failure = gate.result.first_failure
    could_not_look = failure and isinstance(failure.error, UnavailableError)
    return Judgement(
        Outcome.NOT_RUN if could_not_look else Outcome.DIFFERENT,
        gate.result.code,
        failure.detail if failure else None,
        gate.result,
    )
