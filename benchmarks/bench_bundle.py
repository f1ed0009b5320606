# SPDX-License-Identifier: Apache-2.0
"""Anybody's Sigstore bundle: against the Python client, and as a whole process."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

from sigstore.models import Bundle
from sigstore.models import TrustedRoot as TheirRoot
from sigstore.verify import Verifier, policy

from benchmarks.measure import Row, Taken, least, process, shared, stretch
from keys.strict import dumps_json
from signer.certificate.issued import _checked
from signer.certificate.leaf import parse_leaf
from signer.certificate.sct import _require_signed
from signer.signer_policy import IdentityPolicy
from signer.tlog.checkpoint import _open
from signer.trusted_root import TrustedRoot
from signer.verify_bundle import verify_bundle
from tests.conformance.sigstore_client import shipped
from tests.simulators.fulcio import CaTerms, SimulatedFulcio
from tests.simulators.memory_key import MemoryKey
from tests.simulators.signing import BEGIN, DAY
from tests.simulators.sigstore import (
    DATA,
    ISSUER,
    SUBJECT,
    SimulatedSigstore,
    identity,
    statement,
)

BIN = Path(sys.executable).parent
TIMES, ON_END, PROCESSES, MANY, SIGNERS, BATCH, ROUNDS = 20, 20, 10, 1000, 20, 50, 3
V1, V2 = (("hashedrekord", "0.0.1"),), (("hashedrekord", "0.0.2"),)
DSSE_V1 = (("dsse", "0.0.1"),)
KINDS: dict[str, dict[str, Any]] = {
    "a file, Rekor v2 and a timestamp": {"kinds": V2},
    "a file, Rekor v1": {"kinds": V1, "stamps": 0},
    "a statement, Rekor v2 and a timestamp": {
        "kinds": V2,
        "payload": statement(DATA),
    },
    "a statement, Rekor v1": {
        "kinds": DSSE_V1,
        "payload": statement(DATA),
        "stamps": 0,
    },
}
# Of the public instance, from the conformance suite's cases, where they are at hand.
PUBLIC = {
    "a file, Rekor v1": "happy-path-v0.3",
    "a statement, Rekor v1": "happy-path-intoto-in-dsse-v3",
    "a file, Rekor v2 and a timestamp": "rekor2-happy-path",
    "a statement, Rekor v2 and a timestamp": "rekor2-dsse-happy-path",
}
PUBLIC_ISSUER = "https://token.actions.githubusercontent.com"
PUBLIC_SUBJECT = (
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/"
    ".github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
)
CASES = os.environ.get("SIGSTORE_CONFORMANCE_CASES")
# What is kept of certificates and checkpoints: a batch begins without any of it.
KEPT = (parse_leaf, _checked, _require_signed, _open)


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if CASES:
            yield from _public(Path(CASES))
        yield from _ours_and_theirs(folder, "P-384", MemoryKey.ecdsa_p384, goal=5)
        yield from _ours_and_theirs(folder, "P-256", MemoryKey.ecdsa, goal=None)
        instance = _instance(folder, MemoryKey.ecdsa_p384)
        raws = _batches(instance)
        yield _many(folder, instance, raws)
        (folder / "file").write_bytes(DATA)
        (folder / "bundle.json").write_bytes(raws[0])
        yield _process(folder, instance)


def _instance(folder: Path, new_key: Callable[[], MemoryKey]) -> SimulatedSigstore:
    instance = SimulatedSigstore()
    instance.fulcio = SimulatedFulcio(CaTerms(at=BEGIN - DAY), new_key=new_key)
    (folder / "root.json").write_bytes(dumps_json(instance.document()))
    return instance


def _ours_and_theirs(
    folder: Path, curve: str, new_key: Callable[[], MemoryKey], *, goal: int | None
) -> Iterator[Row]:
    instance = _instance(folder, new_key)
    for title, how in KINDS.items():
        raw = dumps_json(instance.sign(instance.keyless(), **how))
        ours = _ours(instance.trusted_root(), identity(), DATA, raw)
        theirs = _theirs(_verifier(folder / "root.json"), identity(), DATA, raw)
        taken, base = _warm(ours, theirs)
        yield _row(f"one keyless bundle, CA of {curve}: {title}", taken, base, goal)


def _public(cases: Path) -> Iterator[Row]:
    artifact = (cases / "a.txt").read_bytes()
    for title, name in PUBLIC.items():
        raw = (cases / name / "bundle.sigstore.json").read_bytes()
        own = cases / name / "trusted_root.json"
        root = own if own.exists() else shipped("trusted_root.json", staging=False)
        wanted = identity(PUBLIC_SUBJECT, PUBLIC_ISSUER)
        parsed = TrustedRoot.parse(root.read_bytes())
        ours = _ours(parsed, wanted, artifact, raw)
        theirs = _theirs(_verifier(root), wanted, artifact, raw)
        taken, base = _warm(ours, theirs)
        yield _row(f"one bundle of the public instance: {title}", taken, base, 5)


def _warm(
    ours: Callable[[], object], theirs: Callable[[], object]
) -> tuple[Taken, Taken]:
    both = [stretch(work, times=ON_END) for work in (ours, theirs)]
    taken, base = least(both[0], both[1], times=TIMES)
    return shared(taken, times=ON_END), shared(base, times=ON_END)


def _batches(instance: SimulatedSigstore) -> list[bytes]:
    """Return many bundles of some signers; the log integrates fifty at a time."""
    signers = [instance.keyless() for _ in range(SIGNERS)]
    raws: list[bytes] = []
    while len(raws) < MANY:
        found = [
            instance.sign(by)
            for by, _ in zip(cycle(signers), range(BATCH), strict=False)
        ]
        size = len(instance.rekor.bodies)
        for index, document in enumerate(found, size - BATCH):
            entry = instance.rekor.entry(index, size).to_json()
            document["verificationMaterial"]["tlogEntries"] = [entry]
            raws.append(dumps_json(document))
    return raws


def _many(folder: Path, instance: SimulatedSigstore, raws: list[bytes]) -> Row:
    root, wanted = instance.trusted_root(), identity()
    ours = [_ours(root, wanted, DATA, raw) for raw in raws]
    verifier = _verifier(folder / "root.json")
    theirs = [_theirs(verifier, wanted, DATA, raw) for raw in raws]

    def all_of(works: list[Callable[[], object]]) -> Callable[[], object]:
        def work() -> None:
            for one in KEPT:
                one.cache_clear()
            for each in works:
                each()

        return work

    taken, base = least(all_of(ours), all_of(theirs), times=ROUNDS)
    return _row(f"{MANY} bundles of {SIGNERS} signers, CA of P-384", taken, base, 8)


def _row(title: str, taken: Taken, base: Taken, goal: int | None) -> Row:
    if goal is None:
        return Row(title, taken, base, "sigstore-python")
    said = f"sigstore-python, at least {goal} times"
    return Row(title, taken, base, said, base.cpu / goal, by_cpu=True)


def _ours(
    root: TrustedRoot, wanted: IdentityPolicy, artifact: bytes, raw: bytes
) -> Callable[[], object]:
    def verify() -> None:
        verify_bundle(
            raw, artifact=artifact, trusted_root=root, policy=wanted
        ).require()

    return verify


def _verifier(root: Path) -> Verifier:
    return Verifier(trusted_root=TheirRoot.from_file(str(root)))


def _theirs(
    verifier: Verifier, who: IdentityPolicy, artifact: bytes, raw: bytes
) -> Callable[[], object]:
    subject, issuer = who.subject.text, who.issuer
    wanted = policy.AllOf(
        [policy.Identity(identity=subject), policy.OIDCIssuerV2(issuer)]
    )

    def verify() -> None:
        bundle = Bundle.from_json(raw)
        if bundle._dsse_envelope is None:  # noqa: SLF001
            verifier.verify_artifact(artifact, bundle, wanted)
        else:
            verifier.verify_dsse(bundle, wanted)

    return verify


def _process(folder: Path, instance: SimulatedSigstore) -> Row:
    config = folder / "config.json"
    config.write_bytes(dumps_json(_client_config(instance)))
    file, bundle = str(folder / "file"), f"--bundle={folder / 'bundle.json'}"
    named = [f"--certificate-identity={SUBJECT}", f"--certificate-oidc-issuer={ISSUER}"]
    root = f"--trusted-root={folder / 'root.json'}"
    ours = process(str(BIN / "trustacks"), "verify", file, bundle, root, *named)
    named = [f"--cert-identity={SUBJECT}", f"--cert-oidc-issuer={ISSUER}"]
    words = ["--trust-config", str(config), "verify", "identity", bundle, *named, file]
    theirs = process(str(BIN / "sigstore"), *words)
    taken, base = least(ours, theirs, times=PROCESSES)
    goal = "`sigstore verify`, at most a third"
    return Row("`trustacks verify --bundle`", taken, base, goal, base.wall / 3)


def _client_config(instance: SimulatedSigstore) -> dict[str, Any]:
    kind = "application/vnd.dev.sigstore"
    return {
        "mediaType": f"{kind}.clienttrustconfig.v0.1+json",
        "trustedRoot": instance.document(),
        "signingConfig": {
            "mediaType": f"{kind}.signingconfig.v0.2+json",
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaConfig": {"selector": "ANY"},
        },
    }
