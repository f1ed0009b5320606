# SPDX-License-Identifier: Apache-2.0
"""The standard files of one instance, by cosign's commands and by ours, say the same."""

import json

import pytest
from sigstore.models import SigningConfig
from sigstore.models import TrustedRoot as TheirRoot

from keys.clock import format_instant
from signer.trusted_root import TrustedRoot
from tests.interop.peers.instance import OPERATOR
from tests.interop.peers.services import LOG_HOST

pytestmark = pytest.mark.interop


@pytest.fixture
def created(instance, cosign):
    """What ``cosign trusted-root create`` makes of the instance's keys and chains."""
    since = f"start-time={format_instant(instance.since)}"
    cosign(
        "trusted-root",
        "create",
        f"--fulcio=url={instance.fulcio},certificate-chain={instance.ca.path},{since}",
        f"--rekor=url={instance.rekor},public-key={instance.rekor_key.public},{since},"
        f"origin={LOG_HOST}",
        # No origin: a log of certificates names itself by SHA-256 of its key alone.
        f"--ctfe=url={instance.ct_log},public-key={instance.ct_key.public},{since}",
        f"--tsa=url={instance.tsa},certificate-chain={instance.tsa_chain.path},{since}",
        "--out=trusted_root.json",
    )
    return (cosign.home / "trusted_root.json").read_bytes()


def _anonymous(document: bytes) -> dict:
    """A trusted root without the names of its authorities, which decide nothing."""
    root = json.loads(document)
    for name in ("certificateAuthorities", "timestampAuthorities"):
        for authority in root[name]:
            del authority["subject"]
    return root


def test_cosigns_trusted_root_is_ours(instance, created):
    assert _anonymous(created) == _anonymous(instance.trusted_root)
    assert TrustedRoot.parse(created) == TrustedRoot.parse(instance.trusted_root)


def test_cosigns_signing_config_is_ours(instance, cosign):
    def service(url, version=1):
        since = f"start-time={format_instant(instance.since)}"
        return f"url={url},api-version={version},{since},operator={OPERATOR}"

    cosign(
        "signing-config",
        "create",
        f"--fulcio={service(instance.fulcio)}",
        f"--oidc-provider={service(instance.person.issuer.url)}",
        f"--rekor={service(instance.rekor, 2)}",
        "--rekor-config=ANY",
        f"--tsa={service(instance.tsa)}",
        "--tsa-config=ANY",
        "--out=signing_config.json",
    )

    created = (cosign.home / "signing_config.json").read_bytes()
    assert json.loads(created) == json.loads(instance.signing_config)


def test_the_python_client_reads_both(instance, created, tmp_path):
    path = tmp_path / "created.json"
    path.write_bytes(created)

    assert TheirRoot.from_file(str(path)).get_fulcio_certs()
    assert TheirRoot.from_file(str(instance.trusted_root_file)).get_fulcio_certs()
    config = SigningConfig.from_file(str(instance.signing_config_file))
    assert len(config.get_tlogs()) == len(config.get_tsas()) == 1
