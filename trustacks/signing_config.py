# SPDX-License-Identifier: Apache-2.0
"""A SigningConfig from the Control Plane, compared with what is pinned of a workspace.

Nobody signs that file, and a client sends its identity token where it says. So issuer
and CA must be those of one instance that the admins pinned, and what else it names must
be where that CA is.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from keys.errors import VerificationError
from signer.keyless.signing_config import Service, SigningConfig
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot


class SigningConfigUntrustedError(VerificationError):
    """A SigningConfig that leads elsewhere than the pinned trust says."""

    code = "signing-config-untrusted"


def require_pinned(
    config: SigningConfig, policy: TrustPolicy, trusted_root: TrustedRoot
) -> None:
    """Refuse a SigningConfig whose addresses are not those of a pinned instance.

    Args:
        config: As the Control Plane answered.
        policy: The trust policy, verified from the pin.
        trusted_root: The trusted root, verified from the pin.

    Raises:
        SigningConfigUntrustedError: An address of nobody who is pinned.
    """
    cas, issuers = _urls(config.authorities), _urls(config.issuers)
    _require_instance(cas, issuers, policy, trusted_root)
    hosts = {_host(url) for url in cas}
    for url in sorted(_urls(config.logs) | _urls(config.stamps)):
        if _host(url) not in hosts:
            raise SigningConfigUntrustedError(
                f"expected an address at {' or '.join(sorted(cas))}, got {url}"
            )


def _require_instance(
    cas: Collection[str],
    issuers: Collection[str],
    policy: TrustPolicy,
    trusted_root: TrustedRoot,
) -> None:
    for instance in policy.instances.values():
        known = {
            ca.uri
            for ca in trusted_root.certificate_authorities
            if ca.digest in instance.certificate_authorities
        }
        if cas and issuers and known >= set(cas) and instance.issuers >= set(issuers):
            return
    raise SigningConfigUntrustedError(
        "expected CA and issuer of one pinned instance, got "
        f"{', '.join(sorted({*cas, *issuers})) or 'none'}",
        hint="trustacks trust instance list shows those that are pinned",
    )


def _urls(services: Collection[Service]) -> set[str]:
    return {one.url for one in services}


def _host(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
