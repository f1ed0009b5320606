# SPDX-License-Identifier: Apache-2.0
"""The cases of ``bundle_cases`` as files: ``tests/vectors``, for any implementation.

``python -m tests.simulators.vectors`` writes those that are missing, with new keys; a
file that is there stays as it is.
"""

from pathlib import Path
from typing import Any

from keys.clock import format_instant, parse_instant
from keys.digest import Digest
from keys.foreign import foreign_key_from_pem
from keys.strict import b64decode, b64encode, dumps_json, loads_json
from signer.signer_policy import IdentityPolicy, KeyPolicy, SignerPolicy
from signer.subject_pattern import SubjectPattern
from signer.trusted_parts import Window
from signer.trusted_root import TrustedRoot
from signer.verify_bundle import VerifiedBundle, verify_bundle
from tests.simulators.bundle_cases import CASES, Case

FOLDER = Path(__file__).parents[1] / "vectors"
FORMAT = "https://trustacks.com/formats/bundle-vector/v1"
MAX_BYTES = 1 << 20


def to_vector(case: Case) -> dict[str, Any]:
    offered = case.make()
    return {
        "format": FORMAT,
        "name": case.name,
        "about": case.about,
        "expected": case.code,
        "step": case.step,
        "policy": policy_to_json(offered.policy),
        "artifact": b64encode(offered.artifact),
        "by_digest": offered.by_digest,
        "trusted_root": offered.root,
        "bundle": offered.bundle.decode(),
    }


def policy_to_json(policy: SignerPolicy) -> dict[str, Any]:
    counts = {"logs": policy.logs, "authorities": policy.authorities}
    if isinstance(policy, KeyPolicy):
        window = policy.window
        ends = window and {
            "start": format_instant(window.start),
            "end": format_instant(window.end) if window.end else None,
        }
        return {"key": policy.key.pem, "window": ends, **counts}
    name = "subject_pattern" if policy.subject.is_pattern else "subject"
    return {"issuer": policy.issuer, name: policy.subject.text, **counts}


def policy_from_json(value: dict[str, Any]) -> SignerPolicy:
    counts = {"logs": value["logs"], "authorities": value["authorities"]}
    if "key" in value:
        said = value["window"]
        window = said and Window(
            parse_instant(said["start"]), said["end"] and parse_instant(said["end"])
        )
        key = foreign_key_from_pem(value["key"].encode())
        return KeyPolicy(key=key, window=window, **counts)
    if "subject" in value:
        subject = SubjectPattern.exactly(value["subject"])
    else:
        subject = SubjectPattern.anchored(value["subject_pattern"])
    return IdentityPolicy(issuer=value["issuer"], subject=subject, **counts)


def read(path: Path) -> dict[str, Any]:
    return loads_json(path.read_bytes(), max_bytes=MAX_BYTES)


def judge(vector: dict[str, Any]) -> VerifiedBundle:
    artifact = b64decode(vector["artifact"])
    return verify_bundle(
        vector["bundle"].encode(),
        artifact=Digest.of(artifact) if vector["by_digest"] else artifact,
        trusted_root=TrustedRoot.parse(dumps_json(vector["trusted_root"])),
        policy=policy_from_json(vector["policy"]),
    )


def main() -> None:
    for case in CASES:
        path = FOLDER / f"{case.name}.json"
        if not path.exists():
            path.write_bytes(dumps_json(to_vector(case)) + b"\n")


if __name__ == "__main__":
    main()
