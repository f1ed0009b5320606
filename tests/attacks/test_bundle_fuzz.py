# SPDX-License-Identifier: Apache-2.0
"""Whatever is done to a bundle: an answer, and never another signer's or artifact's.

``TRUSTACKS_FUZZ_BUNDLES`` says how many mutations; CI tries more than a person does.
"""

import os
import random
import warnings

import pytest

from keys.errors import TrustacksError
from keys.strict import b64decode, b64encode, dumps_json, loads_json
from signer.dsse import pae
from signer.signer_policy import KeyPolicy
from signer.trusted_root import TrustedRoot
from signer.verify_bundle import verify_bundle
from tests.simulators.memory_key import MemoryKey
from tests.simulators.sigstore import (
    BODIES,
    DATA,
    Signer,
    SimulatedSigstore,
    by_key,
    identity,
    statement,
)

TRIES = int(os.environ.get("TRUSTACKS_FUZZ_BUNDLES", "1500"))
JUNK = [None, 0, -1, 1.5, True, "", "A", "AAAA", "0", "-1", "9" * 25, [], {}, [[]]]
JUNK += ["\ud7ff", "\0", "=", "====", "a" * 5000, {"rawBytes": "AAAA"}]
INSTANCE = SimulatedSigstore()
ROOT_DOCUMENT = INSTANCE.document()
ROOT = TrustedRoot.parse(dumps_json(ROOT_DOCUMENT))
KEYED = Signer(MemoryKey.ecdsa())


def originals():
    for kind in BODIES:
        payload = None if kind == ("hashedrekord", "0.0.1") else statement(DATA)
        how = {"kinds": (kind,), "payload": payload}
        yield INSTANCE.sign(INSTANCE.keyless(), **how), identity()
        yield INSTANCE.sign(KEYED, **how), by_key(KEYED)


ORIGINALS = [(dumps_json(document), policy) for document, policy in originals()]


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for name, inner in items:
        yield from places(inner, (*path, name))


def holder(document, path):
    for name in path[:-1]:
        document = document[name]
    return document


def flipped(chance: random.Random, data: bytes) -> bytes:
    if not data:
        return data
    place = chance.randrange(len(data))
    kind = chance.randrange(4)
    if kind == 0:
        return data[:place]
    if kind == 1:
        return data[:place] + bytes([chance.randrange(256)]) + data[place:]
    changed = bytearray(data)
    changed[place] ^= 1 << chance.randrange(8)
    return bytes(changed)


def mutated(chance: random.Random, raw: bytes, other: bytes) -> bytes:
    """Change bytes, a field, the bytes within a field, or take one of another."""
    if chance.random() < 0.1:
        return flipped(chance, raw)
    document = loads_json(raw, max_bytes=len(raw))
    path = chance.choice([p for p in places(document) if p])
    held, name = holder(document, path), path[-1]
    kind = chance.randrange(6)
    if kind == 0:
        held[name] = chance.choice(JUNK)
    elif kind == 1 and isinstance(held, dict):
        del held[name]
    elif kind == 2 and isinstance(held, dict):
        held[chance.choice(["more", "keyid", "hint", *held])] = chance.choice(JUNK)
    elif kind == 3:
        donor = loads_json(other, max_bytes=len(other))
        donors = {p: p for p in places(donor) if p}
        if path in donors:
            held[name] = holder(donor, path)[name]
    elif isinstance(held[name], str):
        held[name] = within(chance, held[name])
    elif isinstance(held[name], list) and held[name]:
        held[name] = held[name] * chance.randrange(3)
    return dumps_json(document)


def within(chance: random.Random, text: str) -> str:
    try:
        return b64encode(flipped(chance, b64decode(text)))
    except Exception:  # noqa: BLE001 - not base64: change the text
        return flipped(chance, text.encode()).decode("utf-8", "replace")


def signed_part(raw: bytes) -> object:
    """What the signer's key signed, and with which signature or by whom."""
    document = loads_json(raw, max_bytes=len(raw))
    if "dsseEnvelope" in document:
        envelope = document["dsseEnvelope"]
        return pae(envelope["payloadType"], b64decode(envelope["payload"]))
    return DATA


@pytest.mark.parametrize("seed", range(4))
def test_every_mutation_gets_an_answer_and_none_a_new_signer(seed):
    chance = random.Random(seed)
    for _ in range(TRIES // 4):
        raw, policy = chance.choice(ORIGINALS)
        other, _ = chance.choice(ORIGINALS)
        changed = mutated(chance, raw, other)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of cryptography, on odd certificates
            verified = verify_bundle(
                changed, artifact=DATA, trusted_root=ROOT, policy=policy
            )
        if verified:
            evidence = verified.require()
            by_a_key = isinstance(policy, KeyPolicy)
            assert (evidence.leaf is None) is by_a_key
            assert DATA == b"the file that is signed"
            assert signed_part(changed) in (signed_part(raw), signed_part(other))


@pytest.mark.parametrize("seed", range(2))
def test_every_mutation_of_a_trusted_root_is_read_or_refused(seed):
    chance = random.Random(seed)
    raw = dumps_json(ROOT_DOCUMENT)
    bundle, policy = ORIGINALS[0]
    for _ in range(TRIES // 8):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                root = TrustedRoot.parse(mutated(chance, raw, raw))
            except TrustacksError:
                continue
            verify_bundle(bundle, artifact=DATA, trusted_root=root, policy=policy)
