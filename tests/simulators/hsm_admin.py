# SPDX-License-Identifier: Apache-2.0
"""The security officer: makes, changes and destroys keys of tokens, in its own process.

A program for ``tests.simulators.hsm``: one JSON object a line in, one a line out. It is
another process because a token's login is its process's, and the product's is on test.
"""

import json
import sys

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.util.ec import encode_named_curve_parameters

_CURVES = {"P-256": "secp256r1", "P-384": "secp384r1", "secp256k1": "secp256k1"}
_EDWARDS = b"\x13\x0cedwards25519"


class Officer:
    def __init__(self, module: str) -> None:
        self.library = pkcs11.lib(module)
        self.sessions: dict[str, pkcs11.Session] = {}

    def session(self, token: str, pin: str) -> pkcs11.Session:
        if token not in self.sessions:
            found = self.library.get_token(token_label=token)
            self.sessions[token] = found.open(rw=True, user_pin=pin)
        return self.sessions[token]

    def make(self, session, *, kind, label, key_id, sign=True, always=False):
        options = {"store": True, "id": bytes.fromhex(key_id), "label": label}
        private = {Attribute.SIGN: sign, Attribute.ALWAYS_AUTHENTICATE: always}
        options["private_template"] = private
        if kind in _CURVES:
            value = {Attribute.EC_PARAMS: encode_named_curve_parameters(_CURVES[kind])}
            owner = session.create_domain_parameters(KeyType.EC, value, local=True)
        elif kind == "Ed25519":
            value = {Attribute.EC_PARAMS: _EDWARDS}
            owner = session.create_domain_parameters(
                KeyType.EC_EDWARDS, value, local=True
            )
            options["mechanism"] = Mechanism.EC_EDWARDS_KEY_PAIR_GEN
        else:
            bits = int(kind.removeprefix("RSA-"))
            session.generate_keypair(KeyType.RSA, bits, **options)
            return
        owner.generate_keypair(**options)

    def destroy(self, session, *, label, public_only=False):
        for found in list(session.get_objects({Attribute.LABEL: label})):
            if not public_only or found.object_class == ObjectClass.PUBLIC_KEY:
                found.destroy()

    def bad_point(self, session, *, label, key_id):
        """Replace a P-256 key's public half by one that is no point."""
        self.destroy(session, label=label, public_only=True)
        self._put_public(session, label, key_id, b"\x04\x41\x04" + b"\x07" * 64)

    def other_point(self, session, *, label, key_id):
        """Replace a P-256 key's public half by another key's."""
        self.make(session, kind="P-256", label="donor", key_id="ee")
        wanted = {Attribute.LABEL: "donor", Attribute.CLASS: ObjectClass.PUBLIC_KEY}
        (donor,) = session.get_objects(wanted)
        point = donor[Attribute.EC_POINT]
        self.destroy(session, label="donor")
        self.destroy(session, label=label, public_only=True)
        self._put_public(session, label, key_id, point)

    def forbid(self, session, *, label):
        """Take the right to sign from a key."""
        wanted = {Attribute.LABEL: label, Attribute.CLASS: ObjectClass.PRIVATE_KEY}
        (found,) = session.get_objects(wanted)
        found[Attribute.SIGN] = False

    def _put_public(self, session, label, key_id, point):
        session.create_object(
            {
                Attribute.CLASS: ObjectClass.PUBLIC_KEY,
                Attribute.KEY_TYPE: KeyType.EC,
                Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1"),
                Attribute.EC_POINT: point,
                Attribute.LABEL: label,
                Attribute.ID: bytes.fromhex(key_id),
                Attribute.TOKEN: True,
            }
        )


def main() -> None:
    officer = Officer(sys.argv[1])
    for line in sys.stdin:
        order = json.loads(line)
        work = getattr(officer, order.pop("do"))
        session = officer.session(order.pop("token"), order.pop("pin"))
        try:
            work(session, **order)
            said = {"done": True}
        except Exception as error:  # noqa: BLE001 - told to the test that asked
            said = {"error": repr(error)}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
