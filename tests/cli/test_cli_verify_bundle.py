# SPDX-License-Identifier: Apache-2.0
"""``trustacks verify --bundle``: anybody's bundle, without a login, offline."""

import pytest

from keys.digest import Digest
from keys.strict import dumps_json
from tests.simulators.memory_key import MemoryKey
from tests.simulators.sigstore import (
    DATA,
    ISSUER,
    SUBJECT,
    Signer,
    SimulatedSigstore,
    statement,
)

PATTERN = (
    r"^https://ci\.example\.com/acme/overlay/\.github/workflows/release\.yml"
    r"@refs/heads/[a-z]+$"
)
WHO = ("--certificate-identity", SUBJECT, "--certificate-oidc-issuer", ISSUER)


@pytest.fixture
def place(tmp_path):
    """A file, its bundles, and what they are verified with."""
    instance, key = SimulatedSigstore(), Signer(MemoryKey.ecdsa())
    wide = Signer(MemoryKey.ecdsa_p384())
    made = {
        "keyless": instance.sign(instance.keyless()),
        "statement": instance.sign(instance.keyless(), payload=statement(DATA)),
        "keyed": instance.sign(key),
        "wide": instance.sign(wide),
        "bare": instance.sign(key, kinds=(), stamps=0),
    }
    for name, document in made.items():
        (tmp_path / f"{name}.json").write_bytes(dumps_json(document))
    (tmp_path / "file").write_bytes(DATA)
    (tmp_path / "other").write_bytes(b"another file")
    (tmp_path / "root.json").write_bytes(dumps_json(instance.document()))
    (tmp_path / "key.pub").write_text(key.key.public_key.pem)
    (tmp_path / "wide.pub").write_text(wide.key.public_key.pem)
    return tmp_path


def words(place, bundle: str, *who: str, file: str = "file", root: bool = True):
    named = [
        str(place / one) if one.endswith((".pub", ".json")) else one for one in who
    ]
    file = file if file.startswith("sha256:") else str(place / file)
    trusted = ["--trusted-root", str(place / "root.json")] if root else []
    return ["verify", file, "--bundle", str(place / f"{bundle}.json"), *trusted, *named]


ACCEPTED = {
    "an identity": ("keyless", WHO, "file"),
    "an identity, by digest": ("keyless", WHO, str(Digest.of(DATA))),
    "a statement": ("statement", WHO, "file"),
    "a pattern": (
        "keyless",
        ("--certificate-identity-pattern", PATTERN, *WHO[2:]),
        "file",
    ),
    "a key": ("keyed", ("--key", "key.pub"), "file"),
    "a key that signs another hash": ("wide", ("--key", "wide.pub"), "file"),
}


@pytest.mark.parametrize(("bundle", "who", "file"), ACCEPTED.values(), ids=ACCEPTED)
def test_who_signed_is_shown_without_a_login(cli, place, bundle, who, file):
    ended = cli.must(*words(place, bundle, *who, file=file), "--json")

    result = ended.value
    assert result["accepted"] is True
    assert result["facts"]["logs"][0]["size"] > 0


def test_a_signature_alone_is_asked_for_by_name(cli, place):
    cli.must(*words(place, "bare", "--key", "key.pub", "--logs", "0", root=False))


REFUSED = {
    "another file": ("keyless", WHO, "other", "artifact-mismatch"),
    "another digest": ("keyless", WHO, "sha256:" + "0" * 64, "artifact-mismatch"),
    "another subject": (
        "keyless",
        ("--certificate-identity", f"{SUBJECT}x", *WHO[2:]),
        "file",
        "identity-mismatch",
    ),
    "a key for an identity": ("keyed", WHO, "file", "signer-kind"),
    "an identity for a key": ("keyless", ("--key", "key.pub"), "file", "signer-kind"),
    "another key": ("keyed", ("--key", "wide.pub"), "file", "signature-invalid"),
    "another hash by digest": (
        "wide",
        ("--key", "wide.pub"),
        str(Digest.of(DATA)),
        "artifact-needed",
    ),
    "no log": ("bare", ("--key", "key.pub"), "file", "too-few-logs"),
    "two logs asked for": ("keyless", (*WHO, "--logs", "2"), "file", "too-few-logs"),
    "rubbish for a bundle": ("root", WHO, "file", "field-format"),
    "no such file": ("keyless", WHO, "nowhere", "file-missing"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_a_bundle_that_does_not_hold_is_refused(cli, place, case):
    bundle, who, file, code = case

    ended = cli(*words(place, bundle, *who, file=file), "--json")

    exit_code = 2 if code == "file-missing" else 1
    assert (ended.exit_code, ended.code) == (exit_code, code)
    assert ended.value["code"] == code


MISUSED = {
    "nobody": ((), True),
    "a subject without its issuer": (WHO[:2], True),
    "an issuer without a subject": (WHO[2:], True),
    "a key and an identity": (("--key", "key.pub", *WHO), True),
    "a subject and a pattern": (
        (*WHO, "--certificate-identity-pattern", PATTERN),
        True,
    ),
    "no trusted root": (WHO, False),
    "no trusted root for a key": (("--key", "key.pub"), False),
    "an identity without a log": ((*WHO, "--logs", "0"), True),
}


@pytest.mark.parametrize(("who", "root"), MISUSED.values(), ids=MISUSED)
def test_what_nobody_can_mean_is_misuse(cli, place, who, root):
    ended = cli(*words(place, "keyless", *who, root=root))

    assert (ended.exit_code, ended.code) == (2, "usage")


def test_without_a_bundle_the_pin_decides_and_nothing_else(cli, place):
    ended = cli("verify", str(place / "file"), *WHO)

    assert (ended.exit_code, ended.code) == (2, "usage")
    assert "--bundle" in ended.err


def test_an_unanchored_pattern_is_refused(cli, place):
    who = ("--certificate-identity-pattern", "release", *WHO[2:])
    ended = cli(*words(place, "keyless", *who), "--json")

    assert (ended.exit_code, ended.code) == (1, "unsafe-subject")
