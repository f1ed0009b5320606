# SPDX-License-Identifier: Apache-2.0
"""What the word of witnesses may decide: when, and against which windows."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from keys.clock import format_instant
from signer.certificate.issued import require_authority_in_use, require_leaf_valid
from signer.certificate.sct import require_ct_log_in_use
from signer.custody import CustodyTable
from signer.errors import (
    CertificateTimeError,
    FromTheFutureError,
    NoTrustedTimeError,
)
from signer.form import Custody
from signer.limits import MAX_CLOCK_SKEW_S
from signer.signers import Signer, control_plane_certifies
from signer.trust_policy import TrustPolicy
from signer.witnesses import TrustedTime


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
    custodies = {time.custody(custody) for time in times}
    seen = tuple(time.at for time in times)
    return seen if Custody.EXTERNAL in custodies else (*seen, at)


def require_certificate(
    signer: Signer,
    times: Sequence[TrustedTime],
    instants: Sequence[datetime],
    *,
    policy: TrustPolicy,
) -> None:
    """Refuse a certificate that was not in force when it signed; a key has none.

    A certificate lives for minutes, so that no later ``at`` can stand in for the time
    of the signature: somebody whose word counts must say that it was made in them. That
    is a witness of external custody. The Control Plane's own word is enough only for an
    identity that it can certify anew: who can do that gains nothing by dating back.

    Args:
        signer: Who signed.
        times: When witnesses saw the signature: each may make it invalid.
        instants: Those at which windows are checked.
        policy: The admins' custodies.

    Raises:
        CertificateWindowError: It was not valid at one of the times.
        CertificateTimeError: Nobody whose word counts says when.
        AuthorityWindowError: Its CA was out of use at an instant that counts.
        CtLogWindowError: Its log of certificates was.

    Source: DESIGN T3.
    """
    certified = signer.certified
    if certified is None:
        return
    require_leaf_valid(certified.leaf, [time.at for time in times])
    custodies = {time.custody(policy.custody) for time in times}
    if Custody.EXTERNAL not in custodies and not control_plane_certifies(
        signer, policy
    ):
        raise CertificateTimeError(
            "expected a timestamp of external custody for a certificate that the "
            "Control Plane cannot cause, got none",
            hint="admins trust an outside timestamp authority, and signers ask it too",
        )
    require_authority_in_use(certified.leaf, certified.authorities, instants)
    require_ct_log_in_use(certified.seen.log, (certified.seen.at, *instants))


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
    signer: Signer, instants: Sequence[datetime], *, survives: bool
) -> None:
    """Refuse an instant outside the identity's window.

    Args:
        signer: Who signed; a certificate must have been issued within the window too,
            because a subject is somebody's at a time.
        instants: Those that count.
        survives: Whether admins kept this attestation beyond the identity's end.

    Raises:
        OutsideWindowError: Before its begin, or after its end and not kept.
    """
    issued = (signer.certified.leaf.not_before,) if signer.certified else ()
    for instant in (*instants, *issued):
        signer.identity.require_begun(instant)
        if not survives:
            signer.identity.require_not_ended(instant)


def require_parts_in_use(
    times: Sequence[TrustedTime], instants: Sequence[datetime]
) -> None:
    """Refuse the word of a witness that was out of use at an instant that counts.

    Raises:
        NoTrustedTimeError: One was.
    """
    for time in times:
        for instant in instants:
            if not time.witness.covers(instant):
                raise NoTrustedTimeError(
                    f"expected a witness in use at {format_instant(instant)}, "
                    f"got {time.witness.name}"
                )
