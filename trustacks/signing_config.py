# SPDX-License-Identifier: Apache-2.0
"""A SigningConfig from the Control Plane, compared with what is pinned of a workspace.

Nobody signs that file, and a client sends its identity token where it says. So issuer
and CA must be those of one instance that the admins pinned, and what else it names must
be where that CA is.
"""

from typing import Final
from urllib.parse import urlsplit

from keys.errors import VerificationError
from keys.fields import Fields
from keys.strict import dumps_json, loads_json
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot

MEDIA_TYPE: Final = "application/vnd.dev.sigstore.signingconfig.v0.2+json"
# Bytes: a handful of addresses. Of each kind, as many as anybody lists.
MAX_SIGNING_CONFIG_BYTES: Final = 64 * 1024
_MAX_SERVICES: Final = 8
_BESIDE_THE_CA: Final = ("rekorTlogUrls", "tsaUrls")


class SigningConfigError(VerificationError):
    """A SigningConfig that leads elsewhere than the pinned trust says."""

    code = "signing-config-untrusted"


def check_signing_config(
    raw: bytes, policy: TrustPolicy, trusted_root: TrustedRoot
) -> bytes:
    """Return a SigningConfig whose addresses are those of a pinned instance.

    Args:
        raw: As the Control Plane answered.
        policy: The trust policy, verified from the pin.
        trusted_root: The trusted root, verified from the pin.

    Raises:
        FormatError: Not a SigningConfig v0.2.
        SigningConfigError: An address of nobody who is pinned.

    Source: sigstore protobuf-specs, sigstore_trustroot.proto, ``SigningConfig``.
    """
    value = loads_json(raw, max_bytes=MAX_SIGNING_CONFIG_BYTES, what="signing config")
    fields = Fields(value, "signing config")
    fields.constant("mediaType", MEDIA_TYPE)
    cas, issuers = (_urls(fields, name) for name in ("caUrls", "oidcUrls"))
    _require_instance(cas, issuers, policy, trusted_root)
    hosts = {_host(url) for url in cas}
    for name in _BESIDE_THE_CA:
        for url in _urls(fields, name):
            if _host(url) not in hosts:
                raise _elsewhere(name, url, sorted(cas))
    for name in ("rekorTlogConfig", "tsaConfig"):
        config = fields.object(name)
        config.one_of("selector", ("ANY", "ALL"))
        config.done()
    fields.done()
    return dumps_json(value)


def _require_instance(
    cas: set[str], issuers: set[str], policy: TrustPolicy, trusted_root: TrustedRoot
) -> None:
    for instance in policy.instances.values():
        known = {
            ca.uri
            for ca in trusted_root.certificate_authorities
            if ca.digest in instance.certificate_authorities
        }
        if cas <= known and issuers <= instance.issuers:
            return
    raise SigningConfigError(
        f"expected CA and issuer of one pinned instance, got {', '.join(sorted(cas))} "
        f"and {', '.join(sorted(issuers))}",
        hint="trustacks trust instance list shows those that are pinned",
    )


def _urls(fields: Fields, name: str) -> set[str]:
    found = set()
    for service in fields.objects(name, max_items=_MAX_SERVICES):
        found.add(service.text("url"))
        service.integer("majorApiVersion", minimum=1)
        service.text("operator")
        valid = service.object("validFor")
        valid.instant("start")
        valid.done()
        service.done()
    if not found:
        raise SigningConfigError(f"{name}: expected an address, got none")
    return found


def _host(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _elsewhere(name: str, url: str, cas: list[str]) -> SigningConfigError:
    return SigningConfigError(
        f"{name}: expected an address at {' or '.join(cas)}, got {url}"
    )
