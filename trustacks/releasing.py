# SPDX-License-Identifier: Apache-2.0
"""Build, sign and submit a release; start again when somebody else was first.

Order of one try: (1) wait for our turn, if others release too (``turns``); (2) refresh
the pin, and verify every rule's attestation, as the gate will; (3) if that took long,
refresh again: from here on the next release is another's if we are slow; (4) find the
approvals of what changes, and build the archive for the revision; (5) take the log's
newest checkpoint, which includes every rule; (6) sign, stamp, log; (7) verify our own
attestation; (8) submit, or hand in for others to sign. A try that loses the race left a
release in the log that no metadata lists: it grants nothing, and the next try names the
winner as its predecessor.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from bundle.build import BuiltBundle
from bundle.gate.thresholds import release_threshold
from bundle.overlay import RuleFiles
from bundle.overlay_retired import RetiredFiles
from bundle.pending import PendingRelease
from bundle.rego.engine import Engine
from keys.clock import Clock
from keys.digest import Digest
from signer.attestation import join_jsonl, parse_attestation
from signer.predicates.parts import Source
from signer.predicates.release import InventoryItem, ReleasePredicate, RetiredItem
from signer.statement import Subject, build_statement
from signer.tlog.limits import MAX_NOTE_BYTES
from signer.trust import Expected
from signer.verify import verify_attestation
from trustacks.approved import Approvals
from trustacks.beside import NOTHING, Beside
from trustacks.client import WorkspaceApi, segment
from trustacks.ending import Ending
from trustacks.errors import ControlPlaneRefusalError, ReleaseContendedError
from trustacks.limits import MAX_RELEASE_TRIES
from trustacks.pinned import Head, Pinned, PinnedStore
from trustacks.preparing import Preparer, Ready
from trustacks.reaffirming import redraft
from trustacks.release_statement import Released, ReleaseDraft, build_predicate
from trustacks.reproving import reproved
from trustacks.signatory import Signatory
from trustacks.submitting import submit_lines, submit_pending
from trustacks.turns import Turns
from trustacks.waiving import waivers_of

_STALE: Final = "release-predecessor-stale"


@dataclass(frozen=True, slots=True)
class _Newest:
    """What a release is built on.

    Attributes:
        at: When it was read.
        pinned: The workspace then.
        head: Its newest release.
        rules: The rules to release, with proofs that last.
    """

    at: datetime
    pinned: Pinned
    head: Head | None
    rules: tuple[RuleFiles, ...]


@dataclass(frozen=True, slots=True)
class Releaser:
    """Releases an overlay.

    Attributes:
        store: What is pinned of the workspace.
        api: Its API.
        signatory: The release identity.
        engine: Parses the rules.
        clock: The time.
        source: Where the overlay came from.
        show: Shown each statement before it is signed.
        warn: Told of each approval that is left out.
        max_tries: How often the race is run.
        turns: When the next try is ours; to be kept from one release to the next.
        carried: Whether a release that waits is carried by hand, and not handed in.
    """

    store: PinnedStore
    api: WorkspaceApi
    signatory: Signatory
    engine: Engine
    clock: Clock
    source: Source
    show: Callable[[bytes], None]
    warn: Callable[[str], None] = lambda _: None
    max_tries: int = MAX_RELEASE_TRIES
    turns: Turns = field(default_factory=Turns)
    carried: bool = False

    def release(
        self,
        rules: tuple[RuleFiles, ...],
        beside: Beside = NOTHING,
    ) -> Released:
        """Release these rules as the next revision.

        Args:
            rules: The overlay's.
            beside: What else of the overlay counts.

        Raises:
            RuleUnsignedError: A rule without an attestation.
            RetirementMissingError: A released rule is gone without a retirement.
            VerificationError: An attestation that does not hold.
            ControlPlaneRefusalError: The Control Plane refuses the release.
            ReleaseContendedError: Every try lost the race.
        """
        preparer = Preparer(self.engine, self.warn)
        return self._race(lambda: self._drafted(rules, beside, preparer))

    def reaffirm(self) -> Released:
        """Release the newest release's rules again, for the trust and time of now.

        Raises:
            NothingReleasedError: There is none.
            VerificationError: What it rests on does not hold any more.
            ControlPlaneRefusalError: The Control Plane refuses the release.
            ReleaseContendedError: Every try lost the race.
        """
        return self._race(self._redrafted)

    def _race(self, draft: Callable[[], ReleaseDraft]) -> Released:
        for tries in range(1, self.max_tries + 1):
            self.turns.begin()
            try:
                done = self._sign_and_submit(draft(), tries)
            except ControlPlaneRefusalError as error:
                if error.passed_code != _STALE:
                    raise
                self.turns.lost()
            else:
                self.turns.won()
                return done
        raise ReleaseContendedError(
            f"expected to be first in {self.max_tries} tries, got none",
            hint="others release this overlay now; run it again later",
        )

    def _sign_and_submit(self, draft: ReleaseDraft, tries: int) -> Released:
        pinned = draft.pinned
        identity = self.signatory.identity(pinned.trust)
        built = draft.contents.bundle(draft.revision)
        name = segment(self.api.name)
        note = self.api.client.fetch(
            f"/w/{name}/log/checkpoint", max_bytes=MAX_NOTE_BYTES
        )
        pinned.checkpoint(note)
        predicate = build_predicate(draft, identity=identity, note=note)
        raw = self._sign(predicate, built, pinned)
        lines = join_jsonl([*draft.attestations, raw])
        threshold = release_threshold(pinned.trust.policy)
        waits = PendingRelease.of(built.archive, lines) if threshold > 1 else None
        if waits is None:
            submit_lines(self.api, built.archive, lines, release=raw)
        elif not self.carried:
            submit_pending(self.api, waits)
        return Released(
            revision=draft.revision,
            digest=parse_attestation(raw).digest,
            archive=built.digest,
            content=built.content,
            predicate=predicate,
            tries=tries,
            threshold=threshold,
            pending=waits,
        )

    def _redrafted(self) -> ReleaseDraft:
        at = self.clock()
        pinned = self.store.refresh(at=at)
        _, head = reproved((), pinned.head(at=at), pinned, self.api)
        return redraft(pinned, head, engine=self.engine, at=at)

    def _drafted(
        self,
        rules: tuple[RuleFiles, ...],
        beside: Beside,
        preparer: Preparer,
    ) -> ReleaseDraft:
        newest = self._newest(rules, preparer)
        ready = preparer.ready(newest.rules, newest.pinned, at=newest.at)
        inventory, ends, behind = self._listed(ready, beside.retired, newest)
        waived = waivers_of(beside.waivers, newest.pinned, at=newest.at, warn=self.warn)
        return ReleaseDraft(
            at=newest.at,
            pinned=newest.pinned,
            head=newest.head,
            inventory=inventory,
            retired=ends,
            waivers=waived.digests,
            attestations=(
                *ready.attestations,
                *behind.values(),
                *waived.attestations,
            ),
            contents=ready.contents,
            source=self.source,
        )

    def _newest(self, rules: tuple[RuleFiles, ...], preparer: Preparer) -> _Newest:
        """Read the newest release, with nothing left to do that takes longer."""
        began = self.turns.monotonic()
        found = self._look(rules)
        looked = self.turns.monotonic()
        preparer.ready(found.rules, found.pinned, at=found.at)
        if self.turns.monotonic() - looked > looked - began:
            return self._look(rules)
        return found

    def _look(self, rules: tuple[RuleFiles, ...]) -> _Newest:
        at = self.clock()
        pinned = self.store.refresh(at=at)
        proved, head = reproved(rules, pinned.head(at=at), pinned, self.api)
        return _Newest(at, pinned, head, proved)

    def _listed(
        self, ready: Ready, retired: tuple[RetiredFiles, ...], newest: _Newest
    ) -> tuple[tuple[InventoryItem, ...], tuple[RetiredItem, ...], dict[Digest, bytes]]:
        """Return what the release lists, and what it rests on beside its rules.

        Raises:
            RuleChangeUnapprovedError: A change behind which too few stand.
        """
        found = Approvals(newest.pinned, newest.head, newest.at, self.warn)
        listed: list[InventoryItem] = []
        said: dict[Digest, bytes] = {}
        behind: dict[Digest, bytes] = {}
        for files, item in ready.listed:
            mine = found.of(files, item)
            behind |= mine
            said[item.head] = files.attestation or b""
            listed.append(replace(item, approvals=tuple(sorted(mine, key=str))))
        ending = Ending(newest.pinned, newest.head, newest.at, found)
        ends = ending.of(retired, {item.rule_id for item in listed})
        behind |= ends.attestations
        found.require((*listed, *ends.new), {**said, **behind}, behind)
        return tuple(listed), ends.items, behind

    def _sign(
        self, predicate: ReleasePredicate, built: BuiltBundle, pinned: Pinned
    ) -> bytes:
        archive = Digest.of(built.archive)
        subjects = (
            Subject("bundle.tar.gz", archive),
            Subject("bundle.tar", built.content),
        )
        statement = build_statement(subjects, predicate)
        self.show(statement)
        raw = self.signatory.attest(statement, api=self.api, trust=pinned.trust)
        expected = Expected(ReleasePredicate.type, (archive, built.content))
        verify_attestation(
            raw, trust=pinned.trust, expected=expected, at=self.clock()
        ).require()
        return raw
