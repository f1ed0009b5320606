# SPDX-License-Identifier: Apache-2.0
"""Every leaf verified, as of its place in the log: who said it, and whether they might.

The trust that counts is the one whose event stands before the leaf. So a signature of
an identity that was revoked before is refused, whatever time it claims, and so is one
of an identity that was not yet registered: the log invents nobody.

Before the root that the auditor brought, that is the first trust under it: what its
admins vouch for is there, to be relied on later; the rest is counted and told.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bundle.audit.errors import BackdatedError, BeforePinError, EntryAlteredError
from bundle.audit.findings import Findings, Severity
from bundle.audit.ledger import Entry, Ledger
from bundle.audit.limits import MAX_LOG_DELAY_S
from bundle.audit.pack import Pack
from bundle.audit.trust import TrustHistory
from keys.clock import format_instant
from keys.digest import Digest
from keys.errors import TrustacksError
from signer.attestation import Attestation, parse_attestation
from signer.errors import NoTrustedTimeError
from signer.identity import Identity
from signer.predicates.base import IDENTITY_PROOF, Predicate
from signer.predicates.identity_proof import IdentityProofPredicate
from signer.verify import Expected, Trust, verify_attestation, verify_possession

# What was done, and how much there is to do.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Said:
    """A verified statement.

    Attributes:
        index: Its place in the log.
        digest: SHA-256 of its PAE.
        subjects: What it is about.
        time: When the timestamp authority saw it.
        key_id: The key that signed.
        signer: The identity that signed; none for a proof of possession.
        predicate: What was said.
        under: The targets version that it was judged by.
    """

    index: int
    digest: Digest
    subjects: tuple[Digest, ...]
    time: datetime
    key_id: str
    signer: Identity | None
    predicate: Predicate | IdentityProofPredicate
    under: int


def verify_entries(
    pack: Pack,
    ledger: Ledger,
    history: TrustHistory,
    findings: Findings,
    progress: Progress,
) -> tuple[Said, ...]:
    """Verify every entry; those that fail become findings and are left out."""
    return tuple(_verified(pack, ledger, history, findings, progress))


def _verified(
    pack: Pack,
    ledger: Ledger,
    history: TrustHistory,
    findings: Findings,
    progress: Progress,
) -> Iterator[Said]:
    latest: datetime | None = None
    strangers = 0
    for entry in ledger.entries:
        progress("log entries", entry.index, len(ledger.tree))
        if history.is_before_pin(entry.index):
            try:
                yield _verify(pack, ledger, history, entry)
            except TrustacksError:
                strangers += 1
            continue
        with findings.at(entry.place):
            said = _verify(pack, ledger, history, entry)
            _require_in_time(said.time, latest)
            latest = max(said.time, latest or said.time)
            yield said
    _report_before(history, strangers, findings)


def _report_before(history: TrustHistory, strangers: int, findings: Findings) -> None:
    if history.begins is None:
        return
    first = history.versions[0].index
    error = BeforePinError(
        f"{first} entries are older than the root that you brought; for {strangers} of "
        "them nobody vouches whom it names, and nothing later rests on them"
    )
    findings.add(error, f"log entries 0 to {first - 1}", Severity.WARNING)


def _verify(pack: Pack, ledger: Ledger, history: TrustHistory, entry: Entry) -> Said:
    if entry.time is None:
        raise NoTrustedTimeError("expected a timestamp token, got none")
    version = history.judging(entry.index)
    raw = pack.get(entry.name)
    attestation = parse_attestation(raw)
    predicate, signer = _word_of(attestation, entry, version.trust, entry.time)
    require_place(attestation, entry.index, ledger)
    return Said(
        index=entry.index,
        digest=entry.digest,
        subjects=entry.statement.digests,
        time=entry.time,
        key_id=entry.record.key.key_id,
        signer=signer,
        predicate=predicate,
        under=version.version,
    )


def _word_of(
    attestation: Attestation, entry: Entry, trust: Trust, at: datetime
) -> tuple[Predicate | IdentityProofPredicate, Identity | None]:
    if entry.statement.predicate_type == IDENTITY_PROOF:
        asked = IdentityProofPredicate.parse(entry.statement.predicate)
        proof = verify_possession(
            attestation.raw,
            public_key=entry.record.key,
            workspace=trust.workspace,
            trusted_root=trust.trusted_root,
            challenge=asked.challenge,
            at=at,
            pending=not attestation.entries,
        )
        return proof.require(), None
    expected = Expected.as_claimed(attestation, cosigned=entry.cosigned)
    verified = verify_attestation(
        attestation.raw,
        trust=trust,
        expected=expected,
        at=at,
        pending=not attestation.entries,
    )
    evidence = verified.require()
    return evidence.predicate, evidence.identity


def require_place(attestation: Attestation, index: int, ledger: Ledger) -> None:
    """An attestation carries a proof of its own; it must be of this tree and place.

    The proof verifies by itself in a forked log too. Here the fork shows.

    Raises:
        LogForkedError: It was proved in another tree.
        LogTruncatedError: It was proved in a larger tree.
        EntryAlteredError: It was proved at another place.
    """
    for logged in attestation.entries:
        ledger.require_prefix(logged.tree_size, logged.root)
        if logged.index != index:
            raise EntryAlteredError(
                f"expected a proof for place {index}, got one for {logged.index}"
            )


def _require_in_time(time: datetime, latest: datetime | None) -> None:
    """Refuse a time well before that of something logged earlier.

    Raises:
        BackdatedError: Somebody signs with yesterday's date.
    """
    if latest and time < latest - timedelta(seconds=MAX_LOG_DELAY_S):
        raise BackdatedError(
            f"expected a time from about {format_instant(latest)}, as entries before "
            f"it have, got {format_instant(time)}"
        )
