# SPDX-License-Identifier: Apache-2.0
"""Anybody's Sigstore bundle: against the Python client, and as a whole process."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

from sigstore.models import Bundle
from sigstore.models import TrustedRoot as TheirRoot
from sigstore.verify import Verifier, policy

from benchmarks.measure import Row, least, process
from keys.strict import dumps_json
from signer.trusted_root import TrustedRoot
from signer.verify_bundle import verify_bundle
from tests.simulators.sigstore import (
    DATA,
    ISSUER,
    SUBJECT,
    SimulatedSigstore,
    identity,
    statement,
)

BIN = Path(sys.executable).parent
TIMES, PROCESSES, MANY, SIGNERS = 200, 10, 1000, 20
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


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder, instance = Path(name), SimulatedSigstore()
        (folder / "root.json").write_bytes(dumps_json(instance.document()))
        (folder / "file").write_bytes(DATA)
        for title, how in KINDS.items():
            raw = dumps_json(instance.sign(instance.keyless(), **how))
            yield _one(f"one keyless bundle, warm: {title}", folder, instance, [raw])
        signers = [instance.keyless() for _ in range(SIGNERS)]
        many = [
            dumps_json(instance.sign(by))
            for by, _ in zip(cycle(signers), range(MANY), strict=False)
        ]
        yield _one(f"one of {MANY} of {SIGNERS} signers", folder, instance, many, 8)
        (folder / "bundle.json").write_bytes(many[0])
        yield _process(folder, instance)


def _one(
    title: str,
    folder: Path,
    instance: SimulatedSigstore,
    raws: list[bytes],
    goal: int = 5,
) -> Row:
    theirs = _theirs(folder, cycle(raws))
    ours = _ours(instance, cycle(raws))
    taken, base = least(ours, theirs, times=max(TIMES, len(raws)))
    least_times = f"sigstore-python, at least {goal} times"
    return Row(title, taken, base, least_times, base.cpu / goal, by_cpu=True)


def _ours(instance: SimulatedSigstore, raws: Iterator[bytes]) -> Callable[[], object]:
    root, wanted = TrustedRoot.parse(dumps_json(instance.document())), identity()

    def verify() -> None:
        verify_bundle(
            next(raws), artifact=DATA, trusted_root=root, policy=wanted
        ).require()

    return verify


def _theirs(folder: Path, raws: Iterator[bytes]) -> Callable[[], object]:
    verifier = Verifier(trusted_root=TheirRoot.from_file(str(folder / "root.json")))
    wanted = policy.AllOf(
        [policy.Identity(identity=SUBJECT), policy.OIDCIssuerV2(ISSUER)]
    )

    def verify() -> None:
        bundle = Bundle.from_json(next(raws))
        if bundle._dsse_envelope is None:  # noqa: SLF001
            verifier.verify_artifact(DATA, bundle, wanted)
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
