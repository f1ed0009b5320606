# SPDX-License-Identifier: Apache-2.0
"""OIDC identities on the command line: embedded at once, sovereign by two admins."""

import pytest

from signer.trusted_root import build_trusted_root
from tests.cli.test_cli_ceremony import Admins, approve
from tests.simulators.instance import GITHUB, MAIN, PEOPLE, TAGS, SimulatedInstance
from tests.simulators.plane import tree
from tests.simulators.signing import BEGIN, SimulatedAuthority

SUBJECT = ("--instance", "public", "--oidc-issuer", GITHUB, "--oidc-subject", MAIN)
TERMS = ("--principal", "overlay-ci", "--permission", "release", "--namespace", "*")


def add(person, folder, instance=None, *, name="public", words=()):
    file = folder / f"{name}.json"
    file.write_bytes((instance or SimulatedInstance()).trusted_root())
    return person(
        *("trust", "instance", "add", name, "--trusted-root", file),
        *(words or ("--oidc-issuer", GITHUB, "--custody", "external")),
    )


# ---------------------------------------------------------------------- embedded


@pytest.fixture(scope="module")
def embedded(plane, tmp_path_factory):
    """A workspace of their own, whose admin key the Control Plane has."""
    folder = tmp_path_factory.mktemp("embedded")
    admin = plane.admin.copy(folder / "admin")
    assert add(admin, folder).exit_code == 0
    return admin


def test_a_subject_is_registered_on_the_admins_word(embedded):
    made = embedded.must("identity", "register", "ci-main", *TERMS, *SUBJECT)
    assert f"subject:      {MAIN}" in made.out
    assert "nobody proved anything" in made.err
    shown = embedded.must("identity", "show", "ci-main", "--json").value
    assert shown["oidc"]["subject"] == MAIN
    text = embedded.must("identity", "show", "ci-main").out
    assert GITHUB in text
    assert "key id" not in text
    listed = embedded.must("identity", "list").out
    (row,) = (line for line in listed.splitlines() if line.startswith("ci-main "))
    assert GITHUB in row
    assert "registered" in row


def test_a_subject_is_renewed_suspended_resumed_and_revoked(embedded):
    claim = (*SUBJECT[:4], "--oidc-subject", f"{MAIN}-renewed")
    embedded.must("identity", "register", "old", *TERMS, *claim)
    made = embedded.must("identity", "rotate", "old", "--to", "new")
    assert "rotated old to new" in made.out
    old, new = (
        embedded.must("identity", "show", one, "--json").value for one in ("old", "new")
    )
    assert old["revoked"]["reason"] == "rotated to new"
    assert old["oidc"] == new["oidc"]
    assert new["principal"] == "overlay-ci"
    embedded.must("identity", "suspend", "new", "--reason", "looking")
    assert "suspended" in embedded.must("identity", "show", "new").out
    embedded.must("identity", "resume", "new")
    embedded.must("identity", "revoke", "new", "--reason", "over")
    assert "revoked" in embedded.must("identity", "show", "new").out


def test_a_subject_is_replaced_by_another(embedded):
    claim = (*SUBJECT[:4], "--oidc-subject", f"{MAIN}-moved")
    embedded.must("identity", "register", "before", *TERMS, *claim)
    embedded.must(
        *("identity", "rotate", "before", "--to", "after"),
        *("--oidc-subject-pattern", TAGS),
    )
    shown = embedded.must("identity", "show", "after", "--json").value["oidc"]
    assert (shown["issuer"], shown["subject"]) == (GITHUB, None)
    assert shown["subject_pattern"] == TAGS


def test_an_instance_is_listed_and_dropped(embedded, tmp_path):
    other = SimulatedInstance("private.example.com")
    words = ("--oidc-issuer", PEOPLE, "--custody", "control-plane")
    assert add(embedded, tmp_path, other, name="private", words=words).exit_code == 0
    found = embedded.must("trust", "instance", "list", "--json").value["items"]
    assert {one["name"] for one in found} == {"embedded", "public", "private"}
    assert PEOPLE in embedded.must("trust", "instance", "list").out
    embedded.must("trust", "instance", "remove", "private")
    again = embedded("trust", "instance", "remove", "private")
    assert (again.exit_code, again.code) == (1, "not-found")


BAD = {
    "half a claim": (("--instance", "public", "--oidc-subject", MAIN), 2, "usage"),
    "a subject and a pattern": (
        (*SUBJECT, "--oidc-subject-pattern", TAGS),
        2,
        "usage",
    ),
    "a key and a subject": ((*SUBJECT, "--key", "admin"), 2, "usage"),
    "everything": (
        (*SUBJECT[:4], "--oidc-subject-pattern", "^.*$"),
        1,
        "unsafe-subject",
    ),
    "an open end": (
        (*SUBJECT[:4], "--oidc-subject-pattern", TAGS[:-1]),
        1,
        "unsafe-subject",
    ),
    "an issuer over http": (
        ("--instance", "public", "--oidc-issuer", "http://x.example", *SUBJECT[4:]),
        1,
        "unsafe-issuer",
    ),
    "an instance of nobody": (("--instance", "x", *SUBJECT[2:]), 1, "unknown-instance"),
    "an issuer of nobody": (
        ("--instance", "public", "--oidc-issuer", PEOPLE, *SUBJECT[4:]),
        1,
        "foreign-issuer",
    ),
    "a subject of somebody": (SUBJECT, 1, "claim-reused"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_registration_is_refused(plane, embedded, name):
    words, exit_code, code = BAD[name]
    known = embedded.must("identity", "list", "--json").value["items"]
    if "ci-main" not in {one["id"] for one in known}:
        embedded.must("identity", "register", "ci-main", *TERMS, *SUBJECT)
    before = tree(plane.state / "workspaces" / "acme")
    ended = embedded("identity", "register", "lax", *TERMS, *words)
    assert (ended.exit_code, ended.code) == (exit_code, code)
    assert tree(plane.state / "workspaces" / "acme") == before


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), "usage"),
        (("--to", "x", "--proof", "x"), "usage"),
        (("--proof", "x", "--oidc-subject", "x"), "usage"),
        (("--to", "x"), "usage"),
    ],
    ids=["nothing", "both", "a subject with a key", "a key without a subject"],
)
def test_a_rotation_is_of_one_kind(embedded, words, code):
    ended = embedded("identity", "rotate", "control-plane-admin", *words)
    assert (ended.exit_code, ended.code) == (2, code)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "json-format"),
        (b"{}", "field-format"),
        (b" " * (1 << 20), "limit-exceeded"),
    ],
    ids=["empty", "no trusted root", "oversized"],
)
def test_a_bad_trusted_root_pins_nothing(plane, embedded, tmp_path, content, code):
    file = tmp_path / "root.json"
    file.write_bytes(content)
    before = tree(plane.state / "workspaces" / "acme")
    ended = embedded(
        *("trust", "instance", "add", "x", "--trusted-root", file),
        *("--oidc-issuer", GITHUB, "--custody", "external"),
    )
    assert (ended.exit_code, ended.code) == (1, code)
    assert tree(plane.state / "workspaces" / "acme") == before


# ---------------------------------------------------------------------- sovereign


@pytest.fixture(scope="module")
def sovereign(plane, tmp_path_factory):
    admins = Admins(tmp_path_factory.mktemp("claims"), plane)
    admins.whole("claims", admins.folder / "ceremony")
    return admins


def test_two_admins_pin_an_instance_and_register_a_subject(sovereign, tmp_path):
    ann, ben = (sovereign.people[name] for name in ("ann", "ben"))
    pinned = add(ann, tmp_path)
    assert pinned.exit_code == 0, pinned
    shown = ben.must("trust", "diff").out
    assert "! instance public: signers whom it names by issuer" in shown
    assert "! trust/trusted_root.json" in shown
    early = ann("identity", "register", "ci", *TERMS, *SUBJECT)
    assert (early.exit_code, early.code) == (1, "unknown-instance")
    approve(sovereign)
    made = ann.must("identity", "register", "ci", *TERMS, *SUBJECT)
    assert "nobody proved anything" in made.err
    assert f"subject {MAIN} of {GITHUB} by public" in ben.must("trust", "diff").out
    approve(sovereign)
    assert ann.must("identity", "show", "ci", "--json").value["oidc"]["subject"] == MAIN
    ann.must("identity", "rotate", "ci", "--to", "ci-2")
    assert "! identity ci-2: may sign from now on with a subject that ci had" in (
        ben.must("trust", "diff").out
    )
    approve(sovereign)
    refused = ann("trust", "instance", "remove", "public")
    assert (refused.exit_code, refused.code) == (1, "unknown-instance")
    ann.must("identity", "revoke", "ci-2", "--reason", "over")
    approve(sovereign)
    ann.must("trust", "instance", "remove", "public")
    assert "- instance public: removed" in ben.must("trust", "diff").out
    approve(sovereign)
    assert ann.must("trust", "instance", "list", "--json").value == {"items": []}
    pack = tmp_path / "pack.tar"
    ann.must("audit", "export", "-o", pack)
    replayed = ann("audit", "replay", pack, "--json")
    assert replayed.exit_code == 0, replayed


def test_no_admin_proposes_what_the_control_plane_can_have_certified(
    sovereign, tmp_path
):
    ann = sovereign.people["ann"]
    words = (
        *("--oidc-issuer", GITHUB, "--custody", "external"),
        *("--issuer-custody", "control-plane"),
    )
    other = SimulatedInstance("inside.example.com")
    assert add(ann, tmp_path, other, name="inside", words=words).exit_code == 0
    approve(sovereign)
    before = tree(sovereign.plane.state / "workspaces" / "claims")
    claim = ("--instance", "inside", *SUBJECT[2:])
    ended = ann("identity", "register", "inside", *TERMS, *claim)
    assert (ended.exit_code, ended.code) == (1, "custody")
    assert tree(sovereign.plane.state / "workspaces" / "claims") == before


def outside(folder):
    """The TrustedRoot of somebody else's timestamp authority."""
    one = SimulatedAuthority("https://tsa.example.org/api/v1/timestamp")
    file = folder / "tsa.json"
    file.write_bytes(
        build_trusted_root(logs=(), authorities=[(one.uri, one.chain, BEGIN)])
    )
    return one.digest, file


def test_two_admins_trust_an_outside_timestamp_authority(sovereign, tmp_path):
    ann, ben = (sovereign.people[name] for name in ("ann", "ben"))
    digest, file = outside(tmp_path)
    words = ("trust", "authority", "add", "--trusted-root", file, "--custody")
    ann.must(*words, "external")
    shown = ben.must("trust", "diff").out
    assert f"! timestamp authority {digest}: trusted: https://tsa.example.org" in shown
    assert f"! timestamp authorities {digest}: custody (none) becomes external" in shown
    approve(sovereign)
    listed = ann.must("trust", "authority", "list", "--json").value["items"]
    assert [one["custody"] for one in listed] == ["control-plane", "external"]
    assert str(digest) in ann.must("trust", "authority", "list").out
    own = listed[0]["certificate"]
    refused = ann("trust", "authority", "remove", own)
    assert (refused.exit_code, refused.code) == (1, "unknown-authority")
    ann.must("trust", "authority", "remove", str(digest))
    assert f"- timestamp authority {digest}: trusted no longer" in (
        ben.must("trust", "diff").out
    )
    approve(sovereign)
    listed = ann.must("trust", "authority", "list", "--json").value["items"]
    assert [one["certificate"] for one in listed] == [own]


def test_where_the_control_plane_holds_the_keys_nobody_is_outside(embedded, tmp_path):
    _, file = outside(tmp_path)
    words = ("trust", "authority", "add", "--trusted-root", file)
    refused = embedded(*words, "--custody", "external")
    assert (refused.exit_code, refused.code) == (1, "embedded-trust")
