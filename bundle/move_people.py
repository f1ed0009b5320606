# SPDX-License-Identifier: Apache-2.0
"""Who is trusted after a move to the sovereign form: nobody of the Control Plane's.

Each function states one sentence about the trust policies before and after, and returns
nothing (DESIGN 9, T1 and T8). Who calls them is ``bundle.move``.
"""

from bundle.tuf.errors import TrustProposalMismatchError
from signer.credential import OidcCredential
from signer.errors import CustodyError
from signer.form import Custody
from signer.instances import control_plane_parts
from signer.trust_policy import TrustPolicy


def require_nobody_custodial(old: TrustPolicy, new: TrustPolicy) -> None:
    """Refuse an identity that the Control Plane can sign as, and that has not ended.

    Raises:
        CustodyError: One, or one whose custody is said to have changed.
    """
    before = {one.id: one.custody for one in old.identities}
    for one in new.identities:
        end = new.revocation(one.id)
        if before.get(one.id, one.custody) is not one.custody:
            raise CustodyError(
                f"{one.id}: expected {before[one.id]} custody as before, "
                f"got {one.custody}",
                identity=one.id,
            )
        if new.custody_of(one) is Custody.CONTROL_PLANE and not (end and end.final):
            raise CustodyError(
                f"{one.id}: expected an identity in the Control Plane's custody to "
                "end for good, got one that stays",
                hint="its holder makes a key of their own and is registered afterwards",
                identity=one.id,
            )


def require_no_part_promoted(old: TrustPolicy, new: TrustPolicy) -> None:
    """Refuse a part that was the Control Plane's and would be somebody else's.

    Custody is who can cause a signature, and that did not change. A log or an authority
    that stays in its custody grants nothing (T3, T10).

    Raises:
        CustodyError: One.
    """
    after = new.custody.to_json()
    for kind, parts in old.custody.to_json().items():
        for name, custody in parts.items():
            now = after.get(kind, {}).get(name, custody)
            if custody == Custody.CONTROL_PLANE and now != custody:
                raise CustodyError(
                    f"{kind.replace('_', ' ')} {name}: expected {custody} custody as "
                    f"before, got {now}"
                )


def require_no_outside_witness(new: TrustPolicy) -> None:
    """Refuse a log or a timestamp authority that would be somebody else's.

    What the embedded trust said of it was the Control Plane's own word. Admins pin an
    outside authority afterwards, as their own document has it.

    Raises:
        CustodyError: One.
    """
    table = new.custody.to_json()
    for kind in ("logs", "timestamp_authorities"):
        for name, custody in table[kind].items():
            if custody != Custody.CONTROL_PLANE:
                raise CustodyError(
                    f"{kind.replace('_', ' ')} {name}: expected control-plane custody "
                    f"in a move, got {custody}",
                    hint="add it afterwards: trustacks trust authority add",
                )


def require_instances_needed(new: TrustPolicy) -> None:
    """Refuse a Sigstore instance of the Control Plane's that is there for nobody.

    Those who ended cannot be read without theirs, and what of them survives.

    Raises:
        CustodyError: One.
    """
    needed = {
        one.credential.instance
        for one in new.identities
        if isinstance(one.credential, OidcCredential)
    }
    for name, instance in new.instances.items():
        issuers = {new.custody.of_issuer(issuer) for issuer in instance.issuers}
        inside = control_plane_parts(instance, new.custody)
        if (inside or Custody.CONTROL_PLANE in issuers) and name not in needed:
            raise CustodyError(
                f"instance {name}: expected no instance of the Control Plane's that "
                "nobody who ended needs, got one"
            )


def require_admins_came(old: TrustPolicy, new: TrustPolicy) -> None:
    """Refuse anybody who comes but admins, or nobody.

    Raises:
        TrustProposalMismatchError: Others, who would come without a proof (T9).
    """
    known = {one.id for one in old.identities}
    came = [one for one in new.identities if one.id not in known]
    for one in came:
        if one.permissions != {"admin"} or one.custody is not Custody.EXTERNAL:
            raise TrustProposalMismatchError(
                f"{one.id}: expected an admin of external custody and nothing else, "
                f"got {', '.join(sorted(one.permissions))} of {one.custody}",
                hint="register others afterwards, with their proof of possession",
            )
    if not came:
        raise TrustProposalMismatchError("expected an admin who comes, got none")
