# SPDX-License-Identifier: Apache-2.0
"""Whose signature is asked for: one key's, or that of one subject of one issuer.

The two never stand in for each other: a bundle with a key is not judged by an identity,
nor one with a certificate by a key, whatever else it proves (GHSA-fx35-mq7g-6g98).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keys.clock import format_instant
from keys.errors import UsageError
from keys.public import PublicKey
from signer.certificate.leaf import Leaf
from signer.errors import (
    IdentityMismatchError,
    IssuerMismatchError,
    NoTrustedTimeError,
    OutsideWindowError,
    TooFewAuthoritiesError,
    TooFewLogsError,
)
from signer.subject_pattern import SubjectPattern
from signer.tlog.included import LoggedEntry
from signer.trusted_parts import TimestampAuthority, Window
from signer.witnesses import TrustedTime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPolicy:
    """A key that the caller brings.

    Attributes:
        key: The key; what a bundle says of it neither selects nor vetoes one.
        window: When it was in use; none if that is not asked.
        logs: How many distinct logs must include the signature.
        authorities: How many distinct operators must have stamped it.

    Raises:
        UsageError: A negative number.
    """

    key: PublicKey
    window: Window | None = None
    logs: int = 1
    authorities: int = 0

    def __post_init__(self) -> None:
        _require_numbers(self.logs, self.authorities, least=0)

    def require_window(self, times: Sequence[TrustedTime]) -> None:
        """Refuse a signature that was not made in the key's window.

        Raises:
            NoTrustedTimeError: There is a window, and nobody trusted says when.
            OutsideWindowError: Somebody trusted says that it was outside.
        """
        if self.window is None:
            return
        if not times:
            raise NoTrustedTimeError("expected a trusted time for the key's window")
        for time in times:
            if not self.window.covers(time.at):
                raise OutsideWindowError(
                    "expected a time in the key's window, "
                    f"got {format_instant(time.at)}"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityPolicy:
    """A person or workload, as an OIDC issuer names them.

    Attributes:
        issuer: The issuer, exactly.
        subject: The subject, exactly or by an anchored pattern.
        logs: How many distinct logs must include the signature; at least one.
        authorities: How many distinct operators must have stamped it.

    Raises:
        UsageError: No issuer, or no log.
    """

    issuer: str
    subject: SubjectPattern
    logs: int = 1
    authorities: int = 0

    def __post_init__(self) -> None:
        if not self.issuer:
            raise UsageError("expected an issuer: a subject alone is anybody's claim")
        _require_numbers(self.logs, self.authorities, least=1)

    def require_issuer(self, leaf: Leaf) -> None:
        """Refuse a certificate that was given for another issuer's token.

        Raises:
            IssuerMismatchError: It was.
        """
        if leaf.issuer != self.issuer:
            raise IssuerMismatchError(
                f"expected a certificate for a token of {self.issuer}, "
                f"got one of {leaf.issuer!r}"
            )

    def require_subject(self, leaf: Leaf) -> None:
        """Refuse a certificate that speaks of somebody else.

        Raises:
            IdentityMismatchError: It does.
        """
        if not self.subject.matches(leaf.subject):
            raise IdentityMismatchError(
                f"expected a certificate of {self.subject.text}, "
                f"got one of {leaf.subject!r}"
            )


SignerPolicy = KeyPolicy | IdentityPolicy


def require_logs(policy: SignerPolicy, logged: Iterable[LoggedEntry]) -> None:
    """Refuse fewer distinct logs than are asked for.

    Raises:
        TooFewLogsError: There are fewer.
    """
    found = {entry.log_id for entry in logged}
    if len(found) < policy.logs:
        raise TooFewLogsError(
            f"expected {policy.logs} logs to include the signature, got {len(found)}"
        )


def require_authorities(policy: SignerPolicy, times: Iterable[TrustedTime]) -> None:
    """Refuse fewer distinct operators of timestamp authorities than are asked for.

    Raises:
        TooFewAuthoritiesError: There are fewer.
    """
    operators = {
        time.witness.run_by
        for time in times
        if isinstance(time.witness, TimestampAuthority)
    }
    if len(operators) < policy.authorities:
        raise TooFewAuthoritiesError(
            f"expected timestamps of {policy.authorities} operators, "
            f"got those of {len(operators)}"
        )


def _require_numbers(logs: int, authorities: int, *, least: int) -> None:
    if logs < least or authorities < 0:
        raise UsageError(
            f"expected at least {least} logs and 0 authorities, "
            f"got {logs} and {authorities}"
        )
