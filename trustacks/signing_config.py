# SPDX-License-Identifier: Apache-2.0
"""A SigningConfig from the Control Plane, compared with what is pinned of a workspace.

Nobody signs that file, and a client sends its identity token where it says. So issuer
and CA must be those of one instance that the admins pinned, and what else it names must
be where that CA is.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from signer.keyless.errors import TokenIssuerError
from signer.keyless.signing_config import Service, SigningConfig
from signer.keyless.token import TokenClaims
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot
from trustacks.trust_errors import SigningConfigUntrustedError


def require_spoken_for(claims: TokenClaims, issuers: Collection[str]) -> None:
    """Refuse to send a token where no certificate for it would count.

    Args:
        claims: What the token says.
        issuers: Those that the pinned instance may speak for.

    Raises:
        TokenIssuerError: Its issuer is not among them.
    """
    if claims.issuer not in issuers:
        raise TokenIssuerError(
            f"expected a token of {' or '.join(sorted(issuers))}, for which the "
            f"Control Plane's instance speaks, got one of {claims.issuer}",
            hint="--signing-config names the instance that speaks for it",
        )


def require_pinned(
    config: SigningConfig, policy: TrustPolicy, trusted_root: TrustedRoot
) -> frozenset[str]:
    """Return the issuers of the pinned instance whose addresses a SigningConfig has.

    Args:
        config: As the Control Plane answered.
        policy: The trust policy, verified from the pin.
        trusted_root: The trusted root, verified from the pin.

    Raises:
        SigningConfigUntrustedError: An address of nobody who is pinned.
    """
    cas, issuers = _urls(config.authorities), _urls(config.issuers)
    spoken_for = _require_instance(cas, issuers, policy, trusted_root)
    hosts = {_host(url) for url in cas}
    for url in sorted(_urls(config.logs) | _urls(config.stamps)):
        if _host(url) not in hosts:
            raise SigningConfigUntrustedError(
                f"expected an address at {' or '.join(sorted(cas))}, got {url}"
            )
    return spoken_for


def _require_instance(
    cas: Collection[str],
    issuers: Collection[str],
    policy: TrustPolicy,
    trusted_root: TrustedRoot,
) -> frozenset[str]:
    for instance in policy.instances.values():
        known = {
            ca.uri
            for ca in trusted_root.certificate_authorities
            if ca.digest in instance.certificate_authorities
        }
        if cas and issuers and known >= set(cas) and instance.issuers >= set(issuers):
            return instance.issuers
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
