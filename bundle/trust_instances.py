# SPDX-License-Identifier: Apache-2.0
"""Pin a Sigstore instance in a workspace's trust, or drop one.

Pure: the trust in force and a TrustedRoot document in, the next policy and trusted root
out. An instance is who certifies subjects: its CAs, its CT logs, and the issuers that
it may speak for. Its transparency logs are not taken over: what counts in a workspace
is in the workspace's own log (DESIGN 3.7). Nor are its timestamp authorities, whose
custody is a question of its own: ``trust_authorities``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from keys.digest import Digest
from keys.strict import b64decode, b64encode, dumps_json, loads_json
from signer.custody import CustodyTable
from signer.errors import CustodyError, TrustedRootFormatError, UnknownInstanceError
from signer.form import Custody
from signer.instances import SigstoreInstance
from signer.limits import MAX_TRUSTED_ROOT_BYTES
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot

_CA: Final = "certificateAuthorities"
_CT: Final = "ctlogs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Custodies:
    """Who can cause the word of an instance's parts (DESIGN T1).

    Attributes:
        certificate_authorities: Of every CA.
        ct_logs: Of every CT log.
        issuers: Of each issuer, by address: the issuers that it may speak for.
    """

    certificate_authorities: Custody
    ct_logs: Custody
    issuers: Mapping[str, Custody]


@dataclass(frozen=True, slots=True)
class Pinning:
    """The trust after a change of one instance.

    Attributes:
        policy: The trust policy, of the same version.
        trusted_root: The bytes of the trusted root.
    """

    policy: TrustPolicy
    trusted_root: bytes


@dataclass(frozen=True, slots=True)
class _Parts:
    """The CAs and CT logs of a TrustedRoot document, as they stand in it."""

    certificate_authorities: Mapping[Digest, Any]
    ct_logs: Mapping[bytes, Any]

    @classmethod
    def of(cls, trusted_root: bytes) -> Self:
        """Read the names of the parts, and keep each as it is.

        Raises:
            FormatError: Not a TrustedRoot.
        """
        document = read_document(trusted_root)
        return cls(
            {certificate_of(row): row for row in rows_of(document, _CA)},
            {_log_id(row): row for row in rows_of(document, _CT)},
        )


def pin_instance(
    policy: TrustPolicy,
    trusted_root: bytes,
    name: str,
    *,
    given: bytes,
    custodies: Custodies,
) -> Pinning:
    """Pin an instance as a TrustedRoot document has it; one of that name is replaced.

    Args:
        policy: The trust policy in force.
        trusted_root: The trusted root in force.
        name: The instance's name in the policy.
        given: The instance's own TrustedRoot document.
        custodies: Who can cause the word of its parts, and its issuers.

    Raises:
        FormatError: Not a TrustedRoot, or one without a CA or a CT log.
        UnsafeTrustPolicyError: It is another instance's, or leaves an identity without
            its issuer.
        CustodyError: A part of the Control Plane's custody is called external.
    """
    parts = _Parts.of(given)
    if not (parts.certificate_authorities and parts.ct_logs):
        raise TrustedRootFormatError(
            "trusted root: expected a CA and a CT log, got none of one"
        )
    instance = SigstoreInstance(
        certificate_authorities=frozenset(parts.certificate_authorities),
        ct_logs=frozenset(parts.ct_logs),
        issuers=frozenset(custodies.issuers),
    )
    others = {key: one for key, one in policy.instances.items() if key != name}
    following = {**others, name: instance}
    rows = replace(
        policy.custody,
        certificate_authorities={
            **policy.custody.certificate_authorities,
            **dict.fromkeys(
                parts.certificate_authorities, custodies.certificate_authorities
            ),
        },
        ct_logs={
            **policy.custody.ct_logs,
            **dict.fromkeys(parts.ct_logs, custodies.ct_logs),
        },
        issuers={**policy.custody.issuers, **custodies.issuers},
    )
    before = policy.custody
    require_not_promoted(
        "CA", before.certificate_authorities, rows.certificate_authorities
    )
    require_not_promoted("CT log", before.ct_logs, rows.ct_logs)
    require_not_promoted("issuer", before.issuers, rows.issuers)
    return _pinned(policy, trusted_root, following, rows, parts)


def require_not_promoted(
    what: str, before: Mapping[Any, Custody], after: Mapping[Any, Custody]
) -> None:
    """Refuse to call external what the Control Plane is known to be able to cause.

    Raises:
        CustodyError: There is one. Who was wrong about it drops it first.

    Source: DESIGN 9, T1.
    """
    for name, custody in after.items():
        if before.get(name, custody) is Custody.CONTROL_PLANE is not custody:
            shown = b64encode(name) if isinstance(name, bytes) else name
            raise CustodyError(
                f"{what} {shown}: expected {Custody.CONTROL_PLANE} custody as before, "
                f"got {custody}",
                hint="if that was wrong, remove it and add it anew",
            )


def drop_instance(policy: TrustPolicy, trusted_root: bytes, name: str) -> Pinning:
    """Drop an instance: no certificate of it counts any more, also of what was signed.

    Raises:
        UnknownInstanceError: It is not pinned, or an identity that is not revoked has
            its subject from it.
    """
    if name not in policy.instances:
        raise UnknownInstanceError(
            f"expected an instance of the trust policy: "
            f"{', '.join(sorted(policy.instances)) or '(none)'}, got {name}"
        )
    following = {key: one for key, one in policy.instances.items() if key != name}
    return _pinned(policy, trusted_root, following, policy.custody, _Parts({}, {}))


def parts_of(instances: Mapping[str, SigstoreInstance], trusted_root: bytes) -> bytes:
    """Return a TrustedRoot document with the CAs and CT logs of these instances alone.

    Raises:
        FormatError: Not a TrustedRoot.
    """
    return _with_parts_of(instances, trusted_root, _Parts({}, {}))


def _pinned(
    policy: TrustPolicy,
    trusted_root: bytes,
    instances: Mapping[str, SigstoreInstance],
    rows: CustodyTable,
    added: _Parts,
) -> Pinning:
    """Keep of parts and custodies what the instances name, and nothing else."""
    authorities, logs, issuers = _named(instances)
    custody = replace(
        rows,
        certificate_authorities=_only(rows.certificate_authorities, authorities),
        ct_logs=_only(rows.ct_logs, logs),
        issuers=_only(rows.issuers, issuers),
    )
    data = _with_parts_of(instances, trusted_root, added)
    return Pinning(replace(policy, instances=instances, custody=custody), data)


def _with_parts_of(
    instances: Mapping[str, SigstoreInstance], trusted_root: bytes, added: _Parts
) -> bytes:
    authorities, logs, _ = _named(instances)
    before, document = _Parts.of(trusted_root), read_document(trusted_root)
    known = {**before.certificate_authorities, **added.certificate_authorities}
    document[_CA] = list(_only(known, authorities).values())
    document[_CT] = list(_only({**before.ct_logs, **added.ct_logs}, logs).values())
    data = dumps_json(document)
    TrustedRoot.parse(data)
    return data


def _named(
    instances: Mapping[str, SigstoreInstance],
) -> tuple[set[Digest], set[bytes], set[str]]:
    found = instances.values()
    return (
        {one for instance in found for one in instance.certificate_authorities},
        {one for instance in found for one in instance.ct_logs},
        {one for instance in found for one in instance.issuers},
    )


def _only(found: Mapping[Any, Any], wanted: set[Any]) -> dict[Any, Any]:
    return {key: value for key, value in found.items() if key in wanted}


def read_document(trusted_root: bytes) -> dict[str, Any]:
    """Read a TrustedRoot as it stands, to change a part of it.

    Raises:
        FormatError: Not one.
    """
    TrustedRoot.parse(trusted_root)
    # An object, which the line above has made sure of.
    return dict(loads_json(trusted_root, max_bytes=MAX_TRUSTED_ROOT_BYTES))


def rows_of(document: dict[str, Any], name: str) -> list[Any]:
    """Return the parts of one kind."""
    # protobuf's JSON leaves out what is empty, and some writers say null instead.
    return list(document.get(name) or [])


# ``TrustedRoot.parse`` has read every part in full: these only pick its name.


def certificate_of(row: Any) -> Digest:
    """Return the name of a CA or authority: SHA-256 of its own certificate."""
    return Digest.of(b64decode(row["certChain"]["certificates"][0]["rawBytes"]))


def _log_id(row: Any) -> bytes:
    return b64decode(row["logId"]["keyId"])
