# SPDX-License-Identifier: Apache-2.0
"""A classic in-toto layout of a trust policy, and the links of a release.

The layout depends on trust alone: who may lint, who may release, how many must. Admins
sign it once per version of trust, where they sign trust; the Control Plane cannot. Each
release adds links, signed by those who did the steps. Stock ``in-toto-verify`` reads
both. What a layout cannot see is in docs/formats/layout.md: above all a rule that was
left out, which is our own gate's work.

Pure: the same policy gives the same bytes on every admin's machine. There is no
inspection: those run commands.

Source: in-toto specification v1.0 §4.3, §4.4; DSSE 1.0.2.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bundle.errors import LayoutFormatError
from bundle.tuf.keys import plain_key
from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields
from keys.public import PublicKey
from keys.strict import b64encode, dumps_json, loads_json
from signer.dsse import pae
from signer.identity import Identity
from signer.limits import MAX_COSIGNERS, MAX_SIGNATURE_BYTES
from signer.predicates.release import ReleasePredicate
from signer.trust_policy import TrustPolicy

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
LINT: Final = "lint"
RELEASE: Final = "release"
STEPS: Final = (LINT, RELEASE)
BUNDLE: Final = "bundle.tar.gz"
# 1,000 identities with a key of 300 bytes each; 10,000 rules and tests of 200 bytes.
MAX_METADATA_BYTES: Final = 8 * 1024 * 1024

_RULES: Final = "rules/*"
_NOTHING_ELSE: Final = ["DISALLOW", "*"]


@dataclass(frozen=True, slots=True)
class Signed:
    """Metadata of in-toto in a DSSE envelope, with the signatures that there are.

    Attributes:
        payload: The layout or link.
        signatures: By in-toto's key id.
    """

    payload: bytes
    signatures: Mapping[str, bytes]

    @property
    def message(self) -> bytes:
        """The bytes to sign."""
        return pae(PAYLOAD_TYPE, self.payload)

    def signed(self, key: PublicKey, signature: bytes) -> "Signed":
        """Return it with one signature more.

        Raises:
            SignatureInvalidError: It is not one of this key.
        """
        key.verify(signature, self.message)
        return Signed(self.payload, {**self.signatures, key_id(key): signature})

    @classmethod
    def parse(cls, data: bytes) -> "Signed":
        """Read an envelope strictly; no signature is verified.

        Raises:
            FormatError: Not exactly one, or too large.
        """
        value = loads_json(data, max_bytes=2 * MAX_METADATA_BYTES, what="layout")
        fields = Fields(value, "layout")
        fields.constant("payloadType", PAYLOAD_TYPE)
        payload = fields.base64("payload", max_bytes=MAX_METADATA_BYTES)
        found: dict[str, bytes] = {}
        for one in fields.objects("signatures", max_items=MAX_COSIGNERS):
            name = one.text("keyid")
            found[name] = one.base64("sig", max_bytes=MAX_SIGNATURE_BYTES)
            one.done()
        fields.done()
        return cls(payload, found)

    def to_bytes(self) -> bytes:
        """Return the envelope."""
        signatures = [
            {"keyid": name, "sig": b64encode(self.signatures[name])}
            for name in sorted(self.signatures)
        ]
        return dumps_json(
            {
                "payload": b64encode(self.payload),
                "payloadType": PAYLOAD_TYPE,
                "signatures": signatures,
            }
        )


def key_id(key: PublicKey) -> str:
    """Return in-toto's name for a key."""
    return str(plain_key(key).keyid)


def build_layout(policy: TrustPolicy, *, expires: datetime) -> bytes:
    """Return the layout of a trust policy, canonical JSON.

    Args:
        policy: Who may do what.
        expires: When its targets do.

    Raises:
        LayoutFormatError: Nobody with a key may release.
    """
    live = [one for one in policy.identities if policy.revocation(one.id) is None]
    linters, releasers = _who(live, "lint"), _who(live, "release")
    if not releasers:
        raise LayoutFormatError(
            "expected a release identity with a key, got none",
            hint="in-toto's layouts know keys only, and no certificates",
        )
    steps = [_lint(linters)] if linters else []
    threshold = policy.thresholds.get("release", 1)
    steps.append(_release(releasers, threshold, linted=bool(linters)))
    keys = {key_id(one): _public(one) for one in (*linters, *releasers)}
    return dumps_json(
        {
            "_type": "layout",
            "expires": format_instant(expires),
            "readme": f"workspace {policy.workspace}, trust {policy.version}; says "
            "nothing of rules that were left out: trustacks bundle verify",
            "keys": keys,
            "steps": steps,
            "inspect": [],
        }
    )


def build_link(step: str, release: ReleasePredicate, archive: Digest) -> bytes:
    """Return the link of a step of a release, canonical JSON.

    Args:
        step: One of ``STEPS``.
        release: What was released.
        archive: SHA-256 of its bundle.
    """
    rules: dict[str, dict[str, str]] = {}
    for item in release.inventory:
        stem = f"rules/{item.rule_id}/{item.rule_id}"
        rules[f"{stem}.rego"] = {"sha256": item.rule.hex}
        rules[f"{stem}_test.rego"] = {"sha256": item.test.hex}
    released = step == RELEASE
    return dumps_json(
        {
            "_type": "link",
            "name": step,
            "materials": rules if released else {},
            "products": {BUNDLE: {"sha256": archive.hex}} if released else rules,
            "byproducts": {},
            "command": [],
            "environment": {},
        }
    )


def link_name(step: str, key: PublicKey) -> str:
    """Return the file name that in-toto looks for."""
    return f"{step}.{key_id(key)[:8]}.link"


def _who(identities: Iterable[Identity], permission: str) -> list[PublicKey]:
    return [
        one.public_key
        for one in identities
        if permission in one.permissions and one.public_key is not None
    ]


def _public(key: PublicKey) -> dict[str, Any]:
    made = plain_key(key)
    return {"keyid": made.keyid, **made.to_dict()}


def _lint(keys: Iterable[PublicKey]) -> dict[str, Any]:
    return _step(LINT, keys, 1, [], [["CREATE", _RULES]])


def _release(
    keys: Iterable[PublicKey], threshold: int, *, linted: bool
) -> dict[str, Any]:
    taken = ["MATCH", _RULES, "WITH", "PRODUCTS", "FROM", LINT]
    materials = taken if linted else ["ALLOW", _RULES]
    return _step(RELEASE, keys, threshold, [materials], [["CREATE", BUNDLE]])


def _step(
    name: str,
    keys: Iterable[PublicKey],
    threshold: int,
    materials: list[list[str]],
    products: list[list[str]],
) -> dict[str, Any]:
    return {
        "_type": "step",
        "name": name,
        "pubkeys": [key_id(key) for key in keys],
        "threshold": threshold,
        "expected_command": [],
        "expected_materials": [*materials, _NOTHING_ELSE],
        "expected_products": [*products, _NOTHING_ELSE],
    }
