# SPDX-License-Identifier: Apache-2.0
"""A SigningConfig is used only if it leads to an instance that admins pinned."""

import pytest

from bundle.trust_instances import Custodies, pin_instance
from control_plane.sigstore.trust import signing_config
from keys.clock import parse_instant
from keys.strict import dumps_json, loads_json
from signer.form import Custody, Form
from signer.keyless.signing_config import SigningConfig
from signer.trusted_root import TrustedRoot
from tests.simulators.instance import SimulatedInstance
from tests.simulators.signing import Workshop
from trustacks.signing_config import require_pinned
from trustacks.trust_errors import SigningConfigUntrustedError

INSTANCE = SimulatedInstance("sigstore.example.com")
CA = "https://fulcio.sigstore.example.com"
ISSUER = "https://idp.sigstore.example.com"


def service(url, version=1):
    begin = {"start": "2026-01-01T00:00:00Z"}
    return {"url": url, "majorApiVersion": version, "operator": "o", "validFor": begin}


def config(**changes) -> SigningConfig:
    document = {
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": [service(CA)],
        "oidcUrls": [service(ISSUER)],
        "rekorTlogUrls": [service(f"{CA}/rekor/acme", 2)],
        "tsaUrls": [service(f"{CA}/api/v1/timestamp")],
        "rekorTlogConfig": {"selector": "ANY"},
        "tsaConfig": {"selector": "ANY"},
    }
    return SigningConfig.parse(dumps_json(document | changes))


@pytest.fixture(scope="module")
def pinned():
    shop = Workshop(form=Form.EMBEDDED)
    root = dumps_json(
        {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [],
            "certificateAuthorities": [],
            "ctlogs": [],
            "timestampAuthorities": [],
        }
    )
    ours = Custody.CONTROL_PLANE
    pinning = pin_instance(
        shop.policy(),
        root,
        "embedded",
        given=INSTANCE.trusted_root(),
        custodies=Custodies(
            certificate_authorities=ours, ct_logs=ours, issuers={ISSUER: ours}
        ),
    )
    return pinning.policy, TrustedRoot.parse(pinning.trusted_root)


def test_the_addresses_of_a_pinned_instance_are_taken(pinned):
    assert require_pinned(config(), *pinned) == {ISSUER}


@pytest.mark.parametrize(
    "changes",
    [
        {"caUrls": [service("https://evil.example")]},
        {"caUrls": [service(CA), service("https://evil.example")]},
        {"caUrls": [service(f"{CA}/other")]},
        {"caUrls": []},
        {"oidcUrls": [service("https://evil.example")]},
        {"oidcUrls": [service(ISSUER), service("https://evil.example")]},
        {"oidcUrls": []},
        {"rekorTlogUrls": [service("https://evil.example", 2)]},
        {"tsaUrls": [service("https://evil.example/api/v1/timestamp")]},
        {"tsaUrls": [service("https://fulcio.sigstore.example.com:444/tsa")]},
    ],
)
def test_an_address_of_somebody_else_is_refused(pinned, changes):
    with pytest.raises(SigningConfigUntrustedError):
        require_pinned(config(**changes), *pinned)


def test_without_a_pinned_instance_nothing_is_taken(pinned):
    shop = Workshop(form=Form.EMBEDDED)
    with pytest.raises(SigningConfigUntrustedError):
        require_pinned(config(), shop.policy(), pinned[1])


def test_what_the_server_writes_can_be_read():
    written = signing_config(CA, "acme", start=parse_instant("2026-01-01T00:00:00Z"))
    parsed = SigningConfig.parse(dumps_json(written))
    assert [one.url for one in parsed.logs] == [f"{CA}/rekor/acme"]
    assert loads_json(dumps_json(written), max_bytes=1 << 16) == written
