# SPDX-License-Identifier: Apache-2.0
"""docs/guides/keys.md, command by command: with SoftHSM, and a KMS on loopback."""

import json
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from control_plane.key_places import read_key_places
from keys import errors
from keys.errors import TrustacksError
from tests.simulators.desk import Desk, desk
from tests.simulators.hsm import find_library
from tests.simulators.kms import REGION
from tests.simulators.plane import EXAMPLES, Ended, Person
from tests.simulators.s3 import CREDENTIALS

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "keys.md"
TEXT = PAGE.read_text()
ABSENT = "SKIPPED: SoftHSM2 or OpenSC absent (apt-get install softhsm2 opensc)"


@dataclass(frozen=True)
class Equipped(Person):
    """Somebody with an HSM and an account of AWS."""

    exported: Mapping[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        return {**super().variables, **self.exported}


@dataclass
class EquippedDesk(Desk):
    """Commands run as processes of their own: a token is seen by those that follow."""

    exported: Mapping[str, str] = field(default_factory=dict)

    def person(self, who: str) -> Person:
        return Equipped(super().person(who).folder, self.exported)

    def _run(self, person: Person, words: Sequence[str], *, offline: bool) -> Ended:
        assert not offline
        return self._shell(person, shlex.join(("trustacks", *words)))


@pytest.fixture
def equipped(tmp_path, kms):
    """Ann is logged in to a workspace as its admin, and has exported what the page says."""
    library = find_library()
    if library is None or not shutil.which("pkcs11-tool"):
        pytest.skip(ABSENT)
    kms.client.create_alias(AliasName="alias/acme-ann", TargetKeyId=kms.create())
    with desk(tmp_path) as made:
        home = made.person("Ann").folder
        (home / "tokens").mkdir()
        configuration = home / "softhsm2.conf"
        configuration.write_text(f"directories.tokendir = {home / 'tokens'}\n")
        exported = {
            "SOFTHSM2_CONF": str(configuration),
            "TRUSTACKS_PKCS11_MODULE": str(library),
            "TRUSTACKS_PIN_FILE": str(home / "pin"),
            "AWS_DEFAULT_REGION": REGION,
        }
        assert set(exported) == set(re.findall(r"^export (\w+)=", TEXT, re.MULTILINE))
        there = {"AWS_ENDPOINT_URL_KMS": f"http://{kms.host}", **CREDENTIALS}
        ann = EquippedDesk(
            made.folder, made.url, made.clock, made.services, exported=exported | there
        )
        person = ann.person("Ann")
        person.must(
            *("workspace", "create", "acme", "--url", made.url),
            *("--token-file", ann.table / "admin-token"),
            *("--root-out", ann.table / "acme.root.json"),
            *("--constitution", EXAMPLES / "constitution"),
            *("--publisher", EXAMPLES / "publisher.pub"),
        )
        person.must(
            *("login", "--url", made.url, "--workspace", "acme"),
            *("--root", ann.table / "acme.root.json"),
            *("--token-file", ann.table / "admin-token"),
        )
        yield ann


@pytest.mark.integration
def test_the_page_is_true(equipped):
    equipped.play(PAGE)

    keys = equipped.person("Ann").home / "keys"
    assert {p.name for p in keys.iterdir()} == {
        f"{name}.{kind}"
        for name in ("ann", "ann-root", "ann-kms")
        for kind in ("uri", "pub")
    }


def test_its_keys_file_is_one(tmp_path):
    block = next(
        b
        for b in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
        if "keys" in json.loads(b)
    )
    (tmp_path / "keys.json").write_text(block)

    assert set(read_key_places(tmp_path / "keys.json")) == {
        ("_server", "tsa"),
        ("acme", "log"),
    }


def test_it_names_every_code_of_a_key():
    table = TEXT.partition("## When a key is refused")[2]
    said = set(re.findall(r"`(key-[a-z-]+)`", table))

    known = {
        one.code
        for one in vars(errors).values()
        if isinstance(one, type)
        and issubclass(one, TrustacksError)
        and one.code.startswith("key-")
    }
    assert said == known - {"key-provider"}
