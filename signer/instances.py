# SPDX-License-Identifier: Apache-2.0
"""The Sigstore instances that a workspace trusts, and what belongs to each.

A CA is named by SHA-256 of its own certificate, DER: the first of its chain in the
trusted root, as a timestamp authority is. Not by the topmost, because one root may
stand over the CAs of several instances; not by its key, because what a certificate
allows is part of what admins agree to. That a key is in one instance only, however
often it is certified, is a law of ``signer.trust``, which has the certificates.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from keys.digest import Digest
from keys.fields import Fields
from keys.strict import b64decode, b64encode
from signer.credential import OidcCredential, require_instance_name, require_issuer
from signer.custody import CustodyTable
from signer.errors import (
    ForeignIssuerError,
    UnknownInstanceError,
    UnsafeTrustPolicyError,
    WrongInstanceError,
)
from signer.form import Custody
from signer.limits import MAX_INSTANCES, MAX_TRUSTED_PARTS


@dataclass(frozen=True, slots=True, kw_only=True)
class SigstoreInstance:
    """What may certify subjects in the name of one instance (DESIGN T2).

    Attributes:
        certificate_authorities: SHA-256 of the certificate of each CA.
        ct_logs: Ids of its CT logs, 32 bytes each.
        issuers: Addresses of the OIDC issuers that it may speak for.

    Raises:
        UnsafeTrustPolicyError: One of the three is empty, or no address.
    """

    certificate_authorities: frozenset[Digest]
    ct_logs: frozenset[bytes]
    issuers: frozenset[str]

    def __post_init__(self) -> None:
        if not (self.certificate_authorities and self.ct_logs and self.issuers):
            raise UnsafeTrustPolicyError(
                "instance: expected a CA, a CT log and an issuer, got none of one"
            )
        for issuer in self.issuers:
            require_issuer(issuer)

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read an instance; the caller says when ``fields`` are done."""
        most = MAX_TRUSTED_PARTS
        logs = fields.texts("ct_logs", max_items=most)
        keys = fields.texts("certificate_authorities", max_items=most)
        return cls(
            certificate_authorities=frozenset(map(Digest.parse, keys)),
            ct_logs=frozenset(b64decode(log, what="CT log id") for log in logs),
            issuers=frozenset(fields.texts("issuers", max_items=most)),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "certificate_authorities": sorted(map(str, self.certificate_authorities)),
            "ct_logs": sorted(map(b64encode, self.ct_logs)),
            "issuers": sorted(self.issuers),
        }


Instances = Mapping[str, SigstoreInstance]


def read_instances(fields: Fields) -> dict[str, SigstoreInstance]:
    """Read the instances of a trust policy, which leaves them out if it has none.

    Raises:
        FormatError: Another shape.
        UnsafeTrustPolicyError: One without a part, or twice.
    """
    if not fields.has("instances"):
        return {}
    found: dict[str, SigstoreInstance] = {}
    for one in fields.objects("instances", max_items=MAX_INSTANCES):
        name = one.text("name")
        if name in found:
            raise UnsafeTrustPolicyError(f"expected instance {name} once, got it twice")
        found[name] = SigstoreInstance.read(one)
        one.done()
    if not found:
        raise UnsafeTrustPolicyError("instances: expected one at least, got none")
    return found


def instances_to_json(instances: Instances) -> dict[str, Any]:
    """Return the instances as a field of the trust policy, or no field."""
    if not instances:
        return {}
    rows = [{"name": name} | one.to_json() for name, one in sorted(instances.items())]
    return {"instances": rows}


def require_distinct_instances(instances: Instances, table: CustodyTable) -> None:
    """Refuse a CA or CT log in two instances, and a part in nobody's custody.

    Raises:
        UnsafeTrustPolicyError: There is one, or a name that is none.
        UnknownCustodyError: No admin signed the custody of a part (DESIGN T1).
    """
    for name, one in instances.items():
        require_instance_name(name)
        control_plane_parts(one, table)
        for issuer in one.issuers:
            table.of_issuer(issuer)
    _require_once("CA", (one.certificate_authorities for one in instances.values()))
    _require_once("CT log", (one.ct_logs for one in instances.values()))


def require_of_instance(credential: OidcCredential, instances: Instances) -> None:
    """Refuse an OIDC subject that nobody could certify.

    Raises:
        UnknownInstanceError: The policy does not pin its instance.
        ForeignIssuerError: Its instance may not speak for its issuer.
    """
    instance = instances.get(credential.instance)
    if instance is None:
        raise UnknownInstanceError(
            f"expected an instance of the trust policy: {', '.join(sorted(instances))}"
            f", got {credential.instance}",
            hint="an admin pins it: trustacks trust instance add",
        )
    if credential.issuer not in instance.issuers:
        raise ForeignIssuerError(
            f"expected an issuer of {credential.instance}: "
            f"{', '.join(sorted(instance.issuers))}, got {credential.issuer}"
        )


def instance_of(authority: Digest, instances: Instances) -> str:
    """Return the name of the one instance that a CA belongs to.

    Args:
        authority: SHA-256 of the certificate of the CA that certified.
        instances: Those of the trust policy.

    Raises:
        WrongInstanceError: None.
    """
    for name, one in instances.items():
        if authority in one.certificate_authorities:
            return name
    raise WrongInstanceError(
        f"expected the CA of a pinned Sigstore instance, got {authority}"
    )


def control_plane_parts(
    instance: SigstoreInstance, table: CustodyTable
) -> tuple[str, ...]:
    """Return the CAs and CT logs whose word the Control Plane can cause, in words.

    Raises:
        UnknownCustodyError: One has no custody.
    """
    parts = [
        (f"CA {one}", table.of_certificate_authority(one))
        for one in sorted(instance.certificate_authorities)
    ]
    parts += [
        (f"CT log {b64encode(log_id)}", table.of_ct_log(log_id))
        for log_id in sorted(instance.ct_logs)
    ]
    return tuple(said for said, custody in parts if custody is Custody.CONTROL_PLANE)


def _require_once(what: str, groups: Iterable[frozenset[Any]]) -> None:
    counted = Counter(one for group in groups for one in group)
    if any(count > 1 for count in counted.values()):
        raise UnsafeTrustPolicyError(
            f"instances: expected each {what} in one of them, got one in two"
        )
