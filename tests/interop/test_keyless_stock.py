# SPDX-License-Identifier: Apache-2.0
"""The stock Python client verifies what we sign, and we what it signs, over the wire.

At an instance over HTTP with real cryptography; the real services are in ``make
interop``.
"""

import pytest
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext
from sigstore.verify import Verifier, policy

from keys.clock import utc_now
from keys.digest import Digest
from keys.strict import dumps_json, loads_json
from signer.keyless.http import Http
from signer.keyless.sign import KeylessSigner
from signer.keyless.signing_config import SigningConfig
from signer.keyless.token import parse_token
from signer.keyless.witnesses import InstanceWitnesses
from signer.signer_policy import IdentityPolicy
from signer.statement import read_digests
from signer.subject_pattern import SubjectPattern
from signer.trusted_root import TrustedRoot
from signer.verify_bundle import verify_bundle
from tests.simulators.sigstore import SimulatedSigstore, statement
from tests.simulators.sigstore_http import ALICE, PREFIX, SigstoreHttp

FILE = b"a file"
SAID = statement(FILE, predicate={"ok": True})


@pytest.fixture
def instance():
    parts = SimulatedSigstore()
    # The Python client cannot read a proof of a log of one entry.
    parts.rekor.append(b"{}")
    parts.rekor_v1.append(("hashedrekord", "0.0.1"), b"{}", at=utc_now())
    with SigstoreHttp(parts).serving() as running:
        yield running


def config_of(instance, **changes) -> ClientTrustConfig:
    document = {
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": loads_json(instance.trusted_root(), max_bytes=1 << 20),
        "signingConfig": loads_json(
            instance.signing_config(**changes), max_bytes=1 << 20
        ),
    }
    return ClientTrustConfig.from_json(dumps_json(document).decode())


def ours(instance, **changes):
    """Sign a file and a statement as our client does."""
    config, at = SigningConfig.parse(instance.signing_config(**changes)), utc_now()
    http = Http()
    signer = KeylessSigner(
        token=lambda: parse_token(instance.token()),
        authority=config.certificate_authority(at).url,
        trusted_root=instance.trusted_root(),
        http=http,
        clock=utc_now,
    )
    stamps, log = config.timestamp_authorities(at), config.log(at)
    witnesses = InstanceWitnesses(http, stamps, log)
    return (
        signer.sign_file(FILE, Digest.of(FILE), witnesses),
        signer.sign_statement(SAID, witnesses),
    )


def test_two_authorities_stamp_and_the_python_client_accepts(instance):
    services = [
        instance.service(f"{PREFIX}/tsa", operator=name) for name in ("one", "two")
    ]
    exactly = {"selector": "EXACT", "count": 2}
    file, _ = ours(instance, tsaUrls=services, tsaConfig=exactly)
    assert instance.count("tsa") == 4
    material = loads_json(file, max_bytes=1 << 20)["verificationMaterial"]
    stamps = material["timestampVerificationData"]["rfc3161Timestamps"]
    assert len(stamps) == len({one["signedTimestamp"] for one in stamps}) == 2


@pytest.mark.parametrize("rekor", [1, 2])
def test_the_python_client_verifies_ours(instance, rekor):
    file, said = ours(instance, rekor=rekor)
    verifier = Verifier(trusted_root=config_of(instance).trusted_root)
    who = policy.AllOf(
        [policy.Identity(identity=ALICE), policy.OIDCIssuerV2(instance.issuer)]
    )

    verifier.verify_artifact(FILE, Bundle.from_json(file), who)
    kind, payload = verifier.verify_dsse(Bundle.from_json(said), who)

    assert payload == SAID
    assert kind == "application/vnd.in-toto+json"
    assert Digest.of(FILE) in read_digests(payload)


@pytest.mark.parametrize("rekor", [1, 2])
def test_we_verify_what_the_python_client_signs(instance, rekor):
    # It drops the path of Fulcio's address, so that one is served without.
    config = config_of(instance, rekor=rekor, caUrls=[instance.service("")])
    context = SigningContext.from_trust_config(config)
    with context.signer(IdentityToken(instance.token())) as signer:
        raw = signer.sign_artifact(FILE).to_json().encode()
    verify_bundle(
        raw,
        artifact=FILE,
        trusted_root=TrustedRoot.parse(instance.trusted_root()),
        policy=IdentityPolicy(
            issuer=instance.issuer, subject=SubjectPattern.exactly(ALICE)
        ),
    ).require()
