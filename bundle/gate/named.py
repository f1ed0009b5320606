# SPDX-License-Identifier: Apache-2.0
"""A release that the admins named by digest keeps itself and all that it lists (T3).

The trust policy names some: the floor, and survivors of revocations. Their attestations
come with the trust, held by their digest and by nothing else, so that what survives
follows from the trust alone: the same for a Runner that walks the chain through them,
for one that was there before and begins above them, after a restart, and in replay.

What a release lists are the rules in force then, the approvals that they rest on, and
retirements. Releases before it are held by its word too, where the chain passes it
(``chain.split_endorsed``).
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from bundle.gate.chain import Link, open_head
from bundle.gate.errors import AttestationSetError
from bundle.gate.forward import open_embedded_checkpoint
from bundle.tuf.errors import TufMissingError
from keys.digest import Digest
from keys.errors import NotFoundError
from signer.predicates.release import ReleasePredicate
from signer.trust import Trust
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot


def open_named(named: Iterable[bytes], policy: TrustPolicy) -> tuple[Link, ...]:
    """Read the releases that the admins named: exactly those.

    Raises:
        AttestationSetError: One is missing, there twice, or was not named.
        FormatError: One is no release attestation.
    """
    links = tuple(map(open_head, named))
    given = {link.digest for link in links}
    for digest in sorted(policy.named_releases ^ given):
        said = "got none" if digest in policy.named_releases else "got another"
        raise AttestationSetError(f"expected the named release {digest}, {said}")
    if len(given) != len(links):
        raise AttestationSetError("expected every named release once, got one twice")
    return links


def kept_by(links: Iterable[Link]) -> dict[Digest, frozenset[Digest]]:
    """Return the digests that each of these releases keeps, by its own."""
    return {link.digest: frozenset(_reached(link)) for link in links}


def _reached(link: Link) -> Iterator[Digest]:
    yield link.digest
    yield from listed_by(link.release)


def check_survivors_logged(policy: TrustPolicy, trusted_root: TrustedRoot) -> None:
    """Refuse to keep what is in a tree that no trusted log signed.

    Raises:
        CheckpointMissingError: The checkpoint is of no log that is trusted.
        TrustacksError: It does not verify.
    """
    for one in policy.revocations:
        if one.survivors.checkpoint is not None:
            open_embedded_checkpoint(one.survivors.checkpoint, trusted_root)


def say_named(links: Iterable[Link]) -> str:
    """Return, for people, which releases were named."""
    revisions = sorted(link.release.revision for link in links)
    if not revisions:
        return "no release is named by digest"
    return f"named by digest: revision {', '.join(map(str, revisions))}"


def keep_named(trust: Trust, chain: Callable[[Digest], bytes]) -> Trust:
    """Return the trust with what the named releases keep, for whoever has no gate.

    Args:
        trust: As the admins signed it.
        chain: Returns a release attestation by its digest; what raises that it is not
            there keeps nothing.
    """
    links: list[Link] = []
    for digest in trust.policy.named_releases:
        with contextlib.suppress(NotFoundError, TufMissingError):
            links.append(open_head(chain(digest)))
    named = [one for one in links if one.digest in trust.policy.named_releases]
    return replace(trust, kept=kept_by(named))


def listed_by(release: ReleasePredicate) -> Iterator[Digest]:
    """Yield what is published with a release, besides its own attestation."""
    for item in release.listed:
        yield item.head
        yield from item.approvals
    yield from release.waivers
