# SPDX-License-Identifier: Apache-2.0
"""The two witnesses of a signature, time and log, and that their word is about it.

What their word may decide is ``signer.evidence``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from keys.clock import format_instant
from keys.errors import TrustacksError
from signer.attestation import Attestation
from signer.certificate.path import load_certificate
from signer.custody import CustodyTable
from signer.errors import LogWindowError, NotLoggedError, NoTrustedTimeError
from signer.form import Custody
from signer.signed import Signed, Verifier
from signer.timestamp.errors import (
    AuthorityCertificateError,
    TimestampAlgorithmError,
    TimestampFormatError,
    TimestampWindowError,
    WrongAuthorityError,
)
from signer.timestamp.token import Token, read_token, verify_token
from signer.tlog.entry import LogEntry
from signer.tlog.included import LoggedEntry, verify_log_entry, verify_promise
from signer.trusted_root import TimestampAuthority, TransparencyLog, TrustedRoot

# Reasons for which a token in order proves nothing: its authority was not in use, must
# not stamp, or signs in a way that is not accepted. Who drops the token gets as far.
_UNUSABLE: Final = (
    AuthorityCertificateError,
    TimestampAlgorithmError,
    TimestampWindowError,
)


@dataclass(frozen=True, slots=True)
class TrustedTime:
    """A time at which a witness saw the signature.

    Attributes:
        at: The time.
        witness: Who saw it: a timestamp authority, or a log that promised to include.
    """

    at: datetime
    witness: TimestampAuthority | TransparencyLog

    def custody(self, table: CustodyTable) -> Custody:
        """Return who can cause the witness's word.

        Raises:
            UnknownCustodyError: No admin signed it.
        """
        if isinstance(self.witness, TransparencyLog):
            return table.of_log(self.witness.log_id)
        return table.of_authority(self.witness.digest)


def verify_times(
    attestation: Attestation, *, trusted_root: TrustedRoot
) -> tuple[TrustedTime, ...]:
    """Verify every timestamp over the signature, and every promise of a log.

    Junk beside a good one is refused.

    Raises:
        NoTrustedTimeError: There is none, or one of an authority that is not trusted.
        UnknownLogError: A promise of a log that is not trusted.
        TrustacksError: A token or a promise that does not verify.
    """
    signature = attestation.envelope.signature
    tokens = [
        _required_time(token, signature, trusted_root)
        for token in attestation.timestamps
    ]
    times = (*tokens, *verify_promises(attestation.entries, trusted_root))
    if not times:
        raise NoTrustedTimeError("expected an RFC 3161 timestamp, got none")
    return times


@dataclass(frozen=True, slots=True)
class Stamps:
    """What a bundle's timestamps prove.

    Attributes:
        times: Of trusted authorities.
        unusable: Why the first token that proves nothing does not; none of strangers'.
    """

    times: tuple[TrustedTime, ...]
    unusable: TrustacksError | None


def verify_tokens(
    tokens: Iterable[bytes], signature: bytes, trusted_root: TrustedRoot
) -> Stamps:
    """Verify the timestamps of trusted authorities; what cannot be used spoils nothing.

    A token that contradicts the bundle is another matter than one that proves nothing.

    Raises:
        NoTrustedTimeError: The root has no authority at all to judge one by.
        TrustacksError: A token out of form, or of a trusted authority and false.
    """
    found, unusable = [], []
    for token in tokens:
        if not trusted_root.authorities:
            raise NoTrustedTimeError(
                "expected a trusted root with timestamp authorities, got none",
                hint="for a bundle with timestamps, as other clients ask for",
            )
        try:
            found.append(verify_time(token, signature, trusted_root))
        except _UNUSABLE as error:
            unusable.append(error)
    times = tuple(time for time in found if time is not None)
    return Stamps(times, next(iter(unusable), None))


def verify_promises(
    entries: Iterable[LogEntry], trusted_root: TrustedRoot
) -> tuple[TrustedTime, ...]:
    """Verify the promises of logs, each of which says when.

    Raises:
        UnknownLogError: One is of a log that is not trusted.
        PromiseInvalidError: One that does not verify.
    """
    promised = [entry for entry in entries if entry.promise is not None]
    logs = [trusted_root.log(entry.log_id) for entry in promised]
    return tuple(
        TrustedTime(verify_promise(entry, log=log), log)
        for entry, log in zip(promised, logs, strict=True)
    )


def verify_entries(
    attestation: Attestation,
    *,
    verifier: Verifier,
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
    require_logs_in_use(attestation.entries, trusted_root, instants)
    logged = verify_included(
        attestation.entries, attestation.signed, verifier, trusted_root
    )
    return next(iter(logged), None)


def verify_included(
    entries: Iterable[LogEntry],
    signed: Signed,
    verifier: Verifier,
    trusted_root: TrustedRoot,
) -> tuple[LoggedEntry, ...]:
    """Verify that logs include exactly this signature.

    Raises:
        UnknownLogError: One is of a log that is not trusted.
        TrustacksError: An entry that does not verify.
    """
    return tuple(
        verify_log_entry(
            entry,
            log=trusted_root.log(entry.log_id),
            signed=signed,
            verifier=verifier,
        )
        for entry in entries
    )


def require_logs_in_use(
    entries: Iterable[LogEntry],
    trusted_root: TrustedRoot,
    instants: Sequence[datetime],
) -> None:
    """Refuse a log whose key was out of use at an instant that counts.

    Raises:
        UnknownLogError: One that is not trusted.
        LogWindowError: One that was.
    """
    for entry in entries:
        log = trusted_root.log(entry.log_id)
        windows = trusted_root.windows(entry.log_id)
        for instant in instants:
            if not any(window.covers(instant) for window in windows):
                raise LogWindowError(
                    f"expected a log in use at {format_instant(instant)}, "
                    f"got {log.origin}"
                )


def verify_time(
    token: bytes, signature: bytes, trusted_root: TrustedRoot
) -> TrustedTime | None:
    """Return when a trusted authority saw the signature; none if a stranger did.

    Raises:
        TrustacksError: A token that names a trusted authority and does not verify.
    """
    parsed, unusable = read_token(token), None
    _require_certificates(parsed, trusted_root)
    for authority in trusted_root.authorities:
        try:
            at = verify_token(parsed, message=signature, authority=authority)
        except WrongAuthorityError:
            continue  # the token names another certificate; nothing was tried
        except (AuthorityCertificateError, TimestampWindowError) as error:
            unusable = unusable or error  # it may be listed for another time, too
            continue
        return TrustedTime(at, authority)
    if unusable is not None:
        raise unusable
    return None


def _require_certificates(token: Token, trusted_root: TrustedRoot) -> None:
    """Refuse a token that carries rubbish as certificates; other clients read them."""
    for der in token.embedded:
        if any(der in authority.chain for authority in trusted_root.authorities):
            continue
        try:
            load_certificate(der, refusal=TimestampFormatError)
        except Warning as error:  # of cryptography, where warnings are errors
            raise TimestampFormatError(f"embedded certificate: {error}") from error


def _required_time(
    token: bytes, signature: bytes, trusted_root: TrustedRoot
) -> TrustedTime:
    found = verify_time(token, signature, trusted_root)
    if found is None:
        raise NoTrustedTimeError(
            "expected a timestamp of a trusted authority, got one of another",
            trusted=[authority.uri for authority in trusted_root.authorities],
        )
    return found
