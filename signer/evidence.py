# SPDX-License-Identifier: Apache-2.0
"""The two witnesses of a signature, time and log, and what their word may decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from keys.clock import format_instant
from keys.public import PublicKey
from signer.attestation import Attestation
from signer.custody import CustodyTable
from signer.errors import (
    FromTheFutureError,
    LogWindowError,
    NotLoggedError,
    NoTrustedTimeError,
)
from signer.form import Custody
from signer.identity import Identity
from signer.limits import MAX_CLOCK_SKEW_S
from signer.timestamp.errors import WrongAuthorityError
from signer.timestamp.token import verify_token
from signer.tlog.entry import LoggedEntry, verify_log_entry
from signer.trusted_root import TimestampAuthority, TransparencyLog, TrustedRoot


@dataclass(frozen=True, slots=True)
class TrustedTime:
    """A time at which an authority saw the signature.

    Attributes:
        at: The time.
        authority: Who saw it.
    """

    at: datetime
    authority: TimestampAuthority


def verify_times(
    attestation: Attestation, *, trusted_root: TrustedRoot
) -> tuple[TrustedTime, ...]:
    """Verify every timestamp over the signature; junk beside a good one is refused.

    Raises:
        NoTrustedTimeError: There is none, or one of an authority that is not trusted.
        TrustacksError: A token that does not verify.
    """
    if not attestation.timestamps:
        raise NoTrustedTimeError("expected an RFC 3161 timestamp, got none")
    signature = attestation.envelope.signature
    return tuple(
        _verify_time(token, signature, trusted_root) for token in attestation.timestamps
    )


def instants_that_count(
    times: Sequence[TrustedTime], *, custody: CustodyTable, at: datetime
) -> tuple[datetime, ...]:
    """Return the instants at which windows are checked.

    Every trusted time, because any may make the evidence invalid. Without one of
    external custody also ``at``, because only such a time may stand in for it.

    Raises:
        UnknownCustodyError: An authority whose custody no admin signed.

    Source: DESIGN T3.
    """
    custodies = {custody.of_authority(time.authority.digest) for time in times}
    seen = tuple(time.at for time in times)
    return seen if Custody.EXTERNAL in custodies else (*seen, at)


def require_past(times: Sequence[TrustedTime], *, at: datetime) -> None:
    """Refuse evidence from after the instant that is decided for.

    Raises:
        FromTheFutureError: A time later than ``at`` and the clocks' skew.
    """
    latest = max(time.at for time in times)
    if latest > at + timedelta(seconds=MAX_CLOCK_SKEW_S):
        raise FromTheFutureError(
            f"expected a signature made by {format_instant(at)}, "
            f"got one of {format_instant(latest)}"
        )


def require_window(
    identity: Identity, instants: Sequence[datetime], *, survives: bool
) -> None:
    """Refuse an instant outside the identity's window.

    Args:
        identity: Who signed.
        instants: Those that count.
        survives: Whether admins kept this attestation beyond the identity's end.

    Raises:
        OutsideWindowError: Before its begin, or after its end and not kept.
    """
    for instant in instants:
        identity.require_begun(instant)
        if not survives:
            identity.require_not_ended(instant)


def require_parts_in_use(
    times: Sequence[TrustedTime], instants: Sequence[datetime]
) -> None:
    """Refuse the word of an authority that was out of use at an instant that counts.

    Raises:
        NoTrustedTimeError: One was.
    """
    for time in times:
        for instant in instants:
            if not time.authority.covers(instant):
                raise NoTrustedTimeError(
                    f"expected a timestamp authority in use at "
                    f"{format_instant(instant)}, got {time.authority.uri}"
                )


def verify_entries(
    attestation: Attestation,
    *,
    key: PublicKey,
    trusted_root: TrustedRoot,
    instants: Sequence[datetime],
    pending: bool,
) -> LoggedEntry | None:
    """Verify every log entry and return the first; pending, that there is none.

    Raises:
        NotLoggedError: There is none, or one on what the log has not seen yet.
        UnknownLogError: One is of a log that is not trusted.
        LogWindowError: A log's key was out of use at an instant that counts.
        TrustacksError: An entry that does not verify.
    """
    if pending == bool(attestation.entries):
        wanted, got = ("no", "one") if pending else ("a", "none")
        raise NotLoggedError(f"expected {wanted} log entry, got {got}")
    logged = [
        verify_log_entry(
            entry,
            log=_log_in_use(trusted_root, entry.log_id, instants),
            pae_digest=attestation.digest,
            signature=attestation.envelope.signature,
            key=key,
        )
        for entry in attestation.entries
    ]
    return next(iter(logged), None)


def _log_in_use(
    trusted_root: TrustedRoot, log_id: bytes, instants: Sequence[datetime]
) -> TransparencyLog:
    log = trusted_root.log(log_id)
    for instant in instants:
        if not log.covers(instant):
            raise LogWindowError(
                f"expected a log in use at {format_instant(instant)}, got {log.origin}"
            )
    return log


def _verify_time(
    token: bytes, signature: bytes, trusted_root: TrustedRoot
) -> TrustedTime:
    for authority in trusted_root.authorities:
        try:
            at = verify_token(token, message=signature, authority=authority)
        except WrongAuthorityError:
            continue  # the token names another certificate; nothing was tried
        return TrustedTime(at, authority)
    raise NoTrustedTimeError(
        "expected a timestamp of a trusted authority, got one of another",
        trusted=[authority.uri for authority in trusted_root.authorities],
    )
