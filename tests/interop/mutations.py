# SPDX-License-Identifier: Apache-2.0
"""Good bundles and their roots, and what hypothesis makes of them.

Bytes, fields, order, windows and indices: each mutation is one that a writer's mistake,
or an attacker without keys, could make.
"""

import copy
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from keys.clock import format_instant
from keys.strict import b64decode, b64encode, dumps_json, loads_json
from signer.signer_policy import IdentityPolicy
from tests.conformance.sigstore_client import shipped
from tests.conformance.test_sigstore_cases import ISSUER as PUBLIC_ISSUER
from tests.conformance.test_sigstore_cases import SUBJECT as PUBLIC_SUBJECT
from tests.interop.judges import Question
from tests.simulators.signing import DAY, NOW
from tests.simulators.sigstore import (
    DATA,
    V0_1,
    V0_2,
    V0_3,
    V0_3_OLD,
    Document,
    SimulatedSigstore,
    identity,
    statement,
)

REKORD_V1, REKORD_V2 = ("hashedrekord", "0.0.1"), ("hashedrekord", "0.0.2")
DSSE_V1 = ("dsse", "0.0.1")
KEPT = Path(__file__).with_name("originals.json")
PARTS = ("tlogs", "ctlogs", "certificateAuthorities", "timestampAuthorities")
SECOND = timedelta(seconds=1)
INSTANTS = [NOW + far for far in (-DAY, -SECOND, 0 * SECOND, SECOND, DAY)]
PUBLIC = (
    "happy-path-v0.1",
    "happy-path-v0.2",
    "happy-path-v0.3",
    "happy-path-intoto-in-dsse-v3",
    "rekor2-happy-path",
    "rekor2-dsse-happy-path",
)
JUNK = [None, 0, 1, -1, True, "", "A", "AAAA", "0", "1", "-1", "00", "9" * 25, [], {}]
JUNK += ["=", "a" * 600, [[]], {"rawBytes": "AAAA"}, "2026-03-02T09:00:00Z"]
JUNK += [V0_1, V0_2, V0_3, V0_3_OLD, "SHA2_256", "SHA2_512", *REKORD_V1, REKORD_V2[1]]


@dataclass(frozen=True)
class Original:
    """A good bundle and the root that it is good under."""

    bundle: Document
    root: Document
    policy: IdentityPolicy
    artifact: bytes = DATA


def originals() -> list[Original]:
    """Return bundles of each kind as they are kept: the same mutations in every run.

    ``python -m tests.interop.mutations`` makes others.
    """
    kept = _json(KEPT)
    return [Original(bundle, kept["root"], identity()) for bundle in kept["bundles"]]


def make_originals() -> list[Original]:
    """Make bundles of each kind, of one instance whose logs have other entries too."""
    instance = SimulatedSigstore()
    for _ in range(3):
        instance.sign(instance.keyless(), kinds=(REKORD_V1, REKORD_V2))
    payload = statement(DATA)
    kinds: list[dict[str, Any]] = [
        {"kinds": (REKORD_V2,)},
        {"kinds": (REKORD_V1,)},
        {"kinds": (REKORD_V1,), "stamps": 0},
        {"kinds": (REKORD_V1,), "stamps": 0, "version": V0_1},
        {"kinds": (REKORD_V1,), "version": V0_2},
        {"kinds": (REKORD_V2,), "payload": payload},
        {"kinds": (DSSE_V1,), "payload": payload, "stamps": 0},
    ]
    bundles = [instance.sign(instance.keyless(), **how) for how in kinds]
    return [Original(one, instance.document(), identity()) for one in bundles]


def public_originals() -> list[Original]:
    """Return bundles of the public instance, where the conformance cases are at hand."""
    named = os.environ.get("SIGSTORE_CONFORMANCE_CASES")
    cases = [Path(named) / name for name in PUBLIC] if named else []
    return [
        Original(
            _json(case / "bundle.sigstore.json"),
            _json(_root_of(case)),
            identity(PUBLIC_SUBJECT, PUBLIC_ISSUER),
            (case.parent / "a.txt").read_bytes(),
        )
        for case in cases
    ]


def _root_of(case: Path) -> Path:
    own = case / "trusted_root.json"
    return own if own.exists() else shipped("trusted_root.json", staging=False)


def _json(path: Path) -> Document:
    data = path.read_bytes()
    return loads_json(data, max_bytes=len(data))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of everything within."""
    items: Any = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    found = [path] if path else []
    for name, inner in items:
        found += places(inner, (*path, name))
    return found


def holder(document: Any, path: tuple[Any, ...]) -> Any:
    """Return what holds the last name of a path."""
    for name in path[:-1]:
        document = document[name]
    return document


@st.composite
def questions(draw: st.DrawFn, given: list[Original]) -> Question:
    """Draw a bundle with one or two things changed, or the windows of its root.

    A root is not an attacker's: its parts and their windows change, never its form.
    """
    original = draw(st.sampled_from(given))
    donor = draw(st.sampled_from(given))
    bundle, root = copy.deepcopy((original.bundle, original.root))
    raw = None
    for _ in range(draw(st.integers(1, 2))):
        what = draw(st.sampled_from(["field", "field", "field", "root", "bytes"]))
        if what == "field":
            _change(draw, bundle, donor.bundle)
        elif what == "root":
            _change_root(draw, root)
        else:
            raw = _flip(draw, raw or dumps_json(bundle))
    return Question(raw or dumps_json(bundle), root, original.policy, original.artifact)


def _change(draw: st.DrawFn, document: Any, donor: Any) -> None:
    path = draw(st.sampled_from(places(document)))
    held, name = holder(document, path), path[-1]
    value = held[name]
    how = ["junk", "delete", "donor", "add", "null"]
    how += ["within"] * 3 if isinstance(value, str) else []
    how += ["number"] * 3 if isinstance(value, str) and value.isdecimal() else []
    how += ["order"] * 3 if isinstance(value, list | dict) else []
    kind = draw(st.sampled_from(how))
    if kind == "junk":
        held[name] = draw(st.sampled_from(JUNK))
    elif kind == "null":
        held[name] = None
    elif kind == "delete":
        del held[name]
    elif kind == "add" and isinstance(held, dict):
        held[draw(st.sampled_from(["more", "keyid", "hint", *held]))] = value
    elif kind == "donor":
        _take(draw, held, name, donor, path)
    elif kind == "number":
        held[name] = draw(st.sampled_from([str(int(value) + 1), int(value), "7", "0"]))
    elif kind == "within":
        held[name] = _within(draw, value)
    elif kind == "order":
        held[name] = _reordered(draw, value)


def _take(
    draw: st.DrawFn, held: Any, name: Any, donor: Any, path: tuple[Any, ...]
) -> None:
    """Take what another bundle has in the same place, or in one of the same name."""
    alike = [p for p in places(donor) if p[-1] == path[-1]]
    same = [p for p in alike if p == path] or alike
    if same:
        chosen = draw(st.sampled_from(same))
        held[name] = copy.deepcopy(holder(donor, chosen)[chosen[-1]])


def _within(draw: st.DrawFn, text: str) -> str:
    """Change how a text encodes its bytes, or the bytes."""
    otherwise = {
        "break": f"{text[:40]}\n{text[40:]}\n",
        "blank": f"{text} ",
        "unpad": text.rstrip("="),
        "url": text.replace("+", "-").replace("/", "_"),
        "case": text.swapcase(),
    }
    how = draw(st.sampled_from(["flip", "flip", *otherwise]))
    if how != "flip":
        return otherwise[how]
    try:
        data = b64decode(text)
    except Exception:  # noqa: BLE001 - not base64: a character
        place = draw(st.integers(0, max(0, len(text) - 1)))
        return text[:place] + draw(st.sampled_from("A0-\n ")) + text[place + 1 :]
    return b64encode(_flip(draw, data))


def _flip(draw: st.DrawFn, data: bytes) -> bytes:
    place = draw(st.integers(0, max(0, len(data) - 1)))
    how = draw(st.sampled_from(["bit", "bit", "cut", "insert", "longer"]))
    if how == "cut":
        return data[:place]
    if how == "insert":
        return data[:place] + draw(st.binary(min_size=1, max_size=2)) + data[place:]
    if how == "longer" or not data:
        return data + draw(st.sampled_from([b"\0", b"\n", b" ", b"{}"]))
    changed = bytearray(data)
    changed[place] ^= 1 << draw(st.integers(0, 7))
    return bytes(changed)


def _reordered(draw: st.DrawFn, value: Any) -> Any:
    if isinstance(value, dict):
        return dict(draw(st.permutations(list(value.items()))))
    how = draw(st.sampled_from(["twice", "none", "back", "first"]))
    twice = {"twice": value * 2, "none": [], "back": value[::-1], "first": value[:1]}
    return copy.deepcopy(twice[how])


def _change_root(draw: st.DrawFn, root: Document) -> None:
    name = draw(st.sampled_from(PARTS))
    if not root.get(name):
        return
    how = draw(st.sampled_from(["end", "start", "windowless", "none", "order"]))
    part = draw(st.sampled_from(root[name]))
    window = part.get("publicKey", part)
    if how == "none":
        root[name] = []
    elif how == "order":
        root[name] = _reordered(draw, root[name])
    elif how == "windowless":
        window.pop("validFor", None)
    else:
        instant = format_instant(draw(st.sampled_from(INSTANTS)))
        window.setdefault("validFor", {"start": format_instant(NOW - DAY)})
        window["validFor"][how] = instant


if __name__ == "__main__":
    made = make_originals()
    document = {"root": made[0].root, "bundles": [one.bundle for one in made]}
    KEPT.write_bytes(dumps_json(document) + b"\n")
