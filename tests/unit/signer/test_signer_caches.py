# SPDX-License-Identifier: Apache-2.0
"""What is kept as checked: bounded, never a refusal, and right for many threads."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from keys.errors import TrustacksError
from keys.strict import dumps_json
from signer import limits, trusted_root
from signer.certificate import issued, leaf, sct
from signer.timestamp import chain
from signer.timestamp import limits as stamp_limits
from signer.tlog import checkpoint
from signer.tlog import limits as log_limits
from signer.trusted_root import TrustedRoot
from signer.verify_bundle import verify_bundle
from tests.simulators.bundle_cases import CASES
from tests.simulators.signing import DAY, NOW
from tests.simulators.sigstore import (
    DATA,
    SimulatedSigstore,
    identity,
    retire,
)

CACHES = {
    "trusted root": (trusted_root._parse, 32),
    "certificate": (leaf.parse_leaf, limits.MAX_LEAVES),
    "issued by": (issued._checked, limits.MAX_LEAVES),
    "certificate authority": (issued.open_authority, limits.MAX_TRUSTED_PARTS),
    "certificate timestamp": (sct._require_signed, limits.MAX_LEAVES),
    "authority's chain": (chain.open_chain, stamp_limits.MAX_KEPT_CHAINS),
    "authority's chain, checked": (chain.require_chain, stamp_limits.MAX_KEPT_CHAINS),
    "checkpoint": (checkpoint._open, log_limits.MAX_KEPT_CHECKPOINTS),
}


@pytest.mark.parametrize(("cache", "most"), CACHES.values(), ids=CACHES)
def test_a_cache_is_bounded(cache, most):
    assert cache.cache_info().maxsize == most


@pytest.mark.parametrize(
    ("name", "cache"),
    [
        ("a-ca-that-signs-files", leaf.parse_leaf),
        ("a-certificate-that-its-own-key-signed", issued._checked),
        ("a-certificate-timestamp-of-another-certificate", sct._require_signed),
        ("a-checkpoint-that-the-log-did-not-sign", checkpoint._open),
    ],
)
def test_a_refusal_is_never_kept(name, cache):
    (case,) = (case for case in CASES if case.name == name)
    offered = case.make()
    root = TrustedRoot.parse(dumps_json(offered.root))

    for _ in range(2):
        before = cache.cache_info().misses
        result = verify_bundle(
            offered.bundle, artifact=DATA, trusted_root=root, policy=offered.policy
        ).result
        assert result.code == case.code
        assert cache.cache_info().misses > before


def test_a_root_that_is_refused_is_refused_again():
    for _ in range(2):
        with pytest.raises(TrustacksError):
            TrustedRoot.parse(b"{}")


def test_windows_are_looked_at_whatever_is_kept():
    instance = SimulatedSigstore()
    raw = dumps_json(instance.sign(instance.keyless()))

    def code(document):
        return verify_bundle(
            raw,
            artifact=DATA,
            trusted_root=TrustedRoot.parse(dumps_json(document)),
            policy=identity(),
        ).result.code

    ended = {
        "certificateAuthorities": "ca-window",
        "ctlogs": "ct-log-window",
        "tlogs": "log-window",
        "timestampAuthorities": "timestamp-window",
    }
    for part, refusal in ended.items():
        assert code(instance.document()) is None
        assert code(retire(instance.document(), **{part: NOW - DAY})) == refusal


def test_threads_get_the_answers_of_one():
    offered = [(case, case.make()) for case in CASES[::4]] * 4

    def judged(one):
        case, given = one
        artifact = given.artifact
        root = TrustedRoot.parse(dumps_json(given.root))
        if given.by_digest:
            return True
        code = verify_bundle(
            given.bundle, artifact=artifact, trusted_root=root, policy=given.policy
        ).result.code
        return code == case.code

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(judged, offered))
