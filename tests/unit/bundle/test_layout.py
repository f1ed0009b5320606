# SPDX-License-Identifier: Apache-2.0
"""Layouts and links: what stock ``in-toto-verify`` 3.1 says of them, and what it misses.

The command is run as its users run it, with DSSE envelopes that our code made.
"""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bundle.errors import LayoutFormatError
from bundle.layout import Signed, build_layout, build_link, key_id, link_name
from keys.clock import utc_now
from keys.digest import Digest
from keys.errors import FormatError, SignatureInvalidError
from signer.predicates.release import InventoryItem
from tests.simulators.memory_key import MemoryKey
from tests.simulators.signing import Workshop, person

VERIFY = Path(sys.executable).with_name("in-toto-verify")
ARCHIVE = Digest.of(b"the bundle")
ONE, TWO = (
    InventoryItem(
        rule_id=rule_id,
        rule=Digest.of(rule_id.encode()),
        test=Digest.of(b"test"),
        head=Digest.of(b"head"),
    )
    for rule_id in ("acme.one", "acme.two")
)
END = utc_now() + timedelta(days=30)


class Desk:
    """Admins, a linter and two releasers, and a folder to verify in."""

    def __init__(self, folder):
        self.folder, self.shop = folder, Workshop()
        self.admins = [MemoryKey.ecdsa(), MemoryKey.ecdsa()]
        people = self.shop.people
        for one, permission in (("linter", "lint"), ("second", "release")):
            people[one] = person(one, permission)
        self.linter, self.releaser = people["linter"].key, people["releaser"].key
        self.release = replace(
            self.shop.release(), inventory=(ONE, TWO), added=(), changed=()
        )

    def layout(self, *admins, **changes):
        """Sign the layout of the policy, and return its file."""
        policy = replace(self.shop.policy(), **changes)
        made = Signed(build_layout(policy, expires=END), {})
        for key in admins or self.admins:
            made = made.signed(key.public_key, key.sign(made.message))
        path = self.folder / "root.layout"
        path.write_bytes(made.to_bytes())
        return path

    def link(self, step, key, release=None, archive=ARCHIVE):
        made = Signed(build_link(step, release or self.release, archive), {})
        made = made.signed(key.public_key, key.sign(made.message))
        (self.folder / link_name(step, key.public_key)).write_bytes(made.to_bytes())

    def verify(self):
        """Run the stock command; return whether it passed, and what it said."""
        keys = []
        for number, key in enumerate(self.admins):
            path = self.folder / f"admin{number}.pub"
            path.write_text(key.public_key.pem)
            keys.append(str(path))
        done = subprocess.run(
            [
                str(VERIFY),
                "--layout",
                "root.layout",
                "--verification-keys",
                *keys,
                "--link-dir",
                ".",
            ],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def good(desk):
    desk.layout()
    desk.link("lint", desk.linter)
    desk.link("release", desk.releaser)


def test_stock_in_toto_accepts_a_release(desk):
    good(desk)
    passed, said = desk.verify()
    assert passed, said


def test_without_a_linter_there_is_one_step(desk):
    del desk.shop.people["linter"]
    desk.layout()
    desk.link("release", desk.releaser)
    assert desk.verify()[0]


def test_two_releasers_where_admins_ask_for_two(desk):
    desk.layout(thresholds={"rule": 1, "release": 2})
    desk.link("lint", desk.linter)
    desk.link("release", desk.releaser)
    assert not desk.verify()[0]
    desk.link("release", desk.shop.people["second"].key)
    assert desk.verify()[0]


def a_rule_that_changed_after_the_lint(desk):
    changed = replace(ONE, rule=Digest.of(b"changed"))
    desk.link("release", desk.releaser, replace(desk.release, inventory=(changed, TWO)))


def a_rule_that_was_never_linted(desk):
    desk.link("lint", desk.linter, replace(desk.release, inventory=(ONE,)))


def a_release_by_a_key_that_nobody_registered(desk):
    (desk.folder / link_name("release", desk.releaser.public_key)).unlink()
    desk.link("release", MemoryKey.ecdsa())


def a_release_by_the_linter(desk):
    (desk.folder / link_name("release", desk.releaser.public_key)).unlink()
    desk.link("release", desk.linter)


def a_step_without_a_link(desk):
    (desk.folder / link_name("lint", desk.linter.public_key)).unlink()


def a_link_with_another_signature(desk):
    path = desk.folder / link_name("release", desk.releaser.public_key)
    made = Signed.parse(path.read_bytes())
    (name,) = made.signatures
    forged = Signed(made.payload, {name: desk.linter.sign(made.message)})
    path.write_bytes(forged.to_bytes())


def a_layout_that_one_of_two_admins_signed(desk):
    desk.layout(desk.admins[0])


def a_layout_that_a_releaser_signed(desk):
    desk.layout(desk.releaser)


@pytest.mark.parametrize(
    "attack",
    [
        a_rule_that_changed_after_the_lint,
        a_rule_that_was_never_linted,
        a_release_by_a_key_that_nobody_registered,
        a_release_by_the_linter,
        a_step_without_a_link,
        a_link_with_another_signature,
        a_layout_that_one_of_two_admins_signed,
        a_layout_that_a_releaser_signed,
    ],
)
def test_stock_in_toto_refuses(desk, attack):
    good(desk)
    attack(desk)
    assert not desk.verify()[0]


def test_stock_in_toto_does_not_miss_a_rule_that_was_left_out(desk):
    """The reason why a layout is an export and our own gate decides."""
    good(desk)
    fewer = replace(desk.release, inventory=(ONE,))
    desk.link("release", desk.releaser, fewer)
    desk.link("lint", desk.linter, fewer)
    passed, said = desk.verify()
    assert passed, said


def test_the_same_trust_is_the_same_layout_and_other_trust_another(desk):
    policy = desk.shop.policy()
    made = build_layout(policy, expires=END)
    assert build_layout(policy, expires=END) == made
    assert build_layout(replace(policy, version=9), expires=END) != made


def test_a_layout_needs_a_releaser_with_a_key(desk):
    for name in ("releaser", "second"):
        del desk.shop.people[name]
    with pytest.raises(LayoutFormatError):
        build_layout(desk.shop.policy(), expires=END)


def test_only_a_signature_that_holds_is_added(desk):
    made = Signed(build_layout(desk.shop.policy(), expires=END), {})
    one, other = desk.admins
    with pytest.raises(SignatureInvalidError):
        made.signed(one.public_key, other.sign(made.message))
    done = made.signed(one.public_key, one.sign(made.message))
    assert Signed.parse(done.to_bytes()) == done
    assert list(done.signatures) == [key_id(one.public_key)]


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b'{"payload":"","payloadType":"x","signatures":[]}', b"\xff"],
)
def test_what_is_no_layout_is_refused(data):
    with pytest.raises(FormatError):
        Signed.parse(data)
