# SPDX-License-Identifier: Apache-2.0
"""What changes about instances, authorities, logs, custody, layers and files."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from bundle.difference import Difference, Direction
from keys.clock import format_instant
from keys.digest import Digest
from keys.strict import b64encode
from signer.instances import Instances
from signer.pins import LayerPins
from signer.trust_policy import TrustPolicy
from signer.trusted_parts import Authority, Log
from signer.trusted_root import TrustedRoot

# The parts of an instance, and what each may do.
_PARTS: Final = {
    "certificate_authorities": "certificates for signers by CA",
    "ct_logs": "certificates seen by CT log",
    "issuers": "signers whom it names by issuer",
}


def diff_instances(old: Instances, new: Instances) -> Iterator[Difference]:
    """Yield what belongs to each Sigstore instance, and no longer."""
    for name in sorted({*old, *new}):
        what, was, now = f"instance {name}", old.get(name), new.get(name)
        if now is None:
            says = "removed: no certificate of it counts, also of what was signed"
            yield Difference(what, says, "tightens")
            continue
        before = was.to_json() if was else {}
        for kind, said in _PARTS.items():
            these, those = now.to_json()[kind], before.get(kind, [])
            for one in sorted({*these} - {*those}):
                yield Difference(what, f"{said} {one}: added", "loosens")
            for one in sorted({*those} - {*these}):
                yield Difference(what, f"{said} {one}: removed", "tightens")


def diff_custody(old: TrustPolicy | None, new: TrustPolicy) -> Iterator[Difference]:
    """Yield who can cause whose word."""
    before = old.custody.to_json() if old else {}
    after = new.custody.to_json()
    for kind in sorted({*before, *after}):
        then, since = before.get(kind, {}), after.get(kind, {})
        for name in sorted({*then, *since}):
            was, now = then.get(name), since.get(name)
            if was != now:
                says = f"custody {was or '(none)'} becomes {now or '(none)'}"
                direction: Direction = "loosens" if now == "external" else "neutral"
                yield Difference(f"{kind.replace('_', ' ')} {name}", says, direction)


def diff_layers(old: LayerPins | None, new: LayerPins) -> Iterator[Difference]:
    """Yield other layers than before."""
    before, after = _pins(old), _pins(new)
    for name in sorted({*before, *after}):
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        says = f"{was or '(none)'} becomes {now or '(none)'}"
        yield Difference(name, says, "loosens")


def _pins(layers: LayerPins | None) -> dict[str, str]:
    if layers is None:
        return {}
    pins = {"constitution": layers.constitution}
    pins |= {f"pack {name}": pin for name, pin in layers.packs.items()}
    return {
        name: f"{pin.digest} of publisher {pin.publisher.key_id[:16]}"
        for name, pin in pins.items()
    }


def diff_files(
    old: Mapping[str, Digest], new: Mapping[str, Digest]
) -> Iterator[Difference]:
    """Yield what no other sentence covers: the trusted root, layers' signatures."""
    for name in sorted({*old, *new}):
        if name == "trust/policy.json" or old.get(name) == new.get(name):
            continue
        says = f"{old.get(name, '(none)')} becomes {new.get(name, '(none)')}"
        direction: Direction = "loosens" if name.startswith("trust/") else "neutral"
        yield Difference(name, says, direction)


def diff_parts(
    old: TrustedRoot | None, new: TrustedRoot | None
) -> Iterator[Difference]:
    """Yield whose word counts in the trusted root, and when; not in whose custody."""
    before, after = _parts(old), _parts(new)
    for what in sorted({*before, *after}):
        was, now = before.get(what), after.get(what)
        if now is None:
            yield Difference(what, f"trusted no longer: {was}", "tightens")
        elif was is None:
            yield Difference(what, f"trusted: {now}", "loosens")
        elif was != now:
            yield Difference(what, f"{was} becomes {now}", "loosens")


def _parts(root: TrustedRoot | None) -> dict[str, str]:
    if root is None:
        return {}
    found = _authorities("timestamp authority", root.authorities)
    found |= _authorities("CA", root.certificate_authorities)
    return found | _logs("log", root.logs) | _logs("CT log", root.ct_logs)


def _authorities(what: str, parts: Iterable[Authority]) -> dict[str, str]:
    return {
        f"{what} {one.digest}": _said(one.uri, one.key_ids[0], one) for one in parts
    }


def _logs(what: str, parts: Iterable[Log]) -> dict[str, str]:
    return {
        f"{what} {b64encode(one.log_id)}": _said(one.base_url, one.key.key_id, one)
        for one in parts
    }


def _said(where: str, key_id: str, part: Authority | Log) -> str:
    start, end = part.window.start, part.window.end
    until = format_instant(end) if end else "now on"
    return (
        f"{where or 'no address'}, key {key_id[:16]}, in use from "
        f"{format_instant(start)} until {until}"
    )
