# SPDX-License-Identifier: Apache-2.0
"""Rules become a bundle: equal bytes, the vendor's inventory, nothing unconfined."""

import json
import shutil
import subprocess
from dataclasses import dataclass

import pytest

from bundle.archive import content_digest, unpack
from bundle.build import build_bundle, rule_path
from bundle.finding import ConfinementError
from bundle.inventory import build_inventory
from bundle.rego.embedded import EmbeddedEngine
from keys.digest import Digest
from keys.errors import UsageError

REGO = """package overlay.{leaf}

import rego.v1

rule_metadata["{rule_id}"] := {{
	"description": "Production changes carry a ticket.",
	"required_tooling_categories": ["ticketing_change_mgmt"],
	"practice_dimensions": [{practices}],
	"tier_scope": ["prod"],
	"citation": {{
		"id": "CM-TICKET-REQUIRED-001",
		"description": "Every production change names its ticket.",
		"category": "change-management",
		"source": "https://example.com/standards/cm",
	}},
}}

deny contains {{"rule_id": "{rule_id}", "message": "no ticket"}} if {{
	input.context.target.tier == "prod"
}}
"""


@dataclass(frozen=True)
class Source:
    rule_id: str
    rule: bytes


def source(rule_id: str, *, leaf: str = "", practices: str = "") -> Source:
    leaf = leaf or rule_id.replace(".", "_")
    return Source(
        rule_id, REGO.format(rule_id=rule_id, leaf=leaf, practices=practices).encode()
    )


TICKET = source("acme.requires_ticket")
WINDOW = source("acme.window", practices='"tests_in_ci"')


@pytest.fixture(scope="module")
def engine():
    with EmbeddedEngine() as engine:
        yield engine


def test_order_of_rules_does_not_change_a_byte(engine):
    one = build_bundle([TICKET, WINDOW], revision=3, parse=engine.parse)
    two = build_bundle([WINDOW, TICKET], revision=3, parse=engine.parse)
    assert one == two
    assert one.archive == two.archive


def test_a_bundle_holds_rules_inventory_and_manifest_only(engine):
    built = build_bundle([TICKET, WINDOW], revision=3, parse=engine.parse)
    assert unpack(built.archive) == built.files
    assert sorted(built.files) == [
        ".manifest",
        "rule_inventory.json",
        rule_path("acme.requires_ticket"),
        rule_path("acme.window"),
    ]
    assert built.files[rule_path("acme.window")] == WINDOW.rule
    assert json.loads(built.files[".manifest"])["revision"] == "3"


def test_digests_are_of_archive_and_tar(engine):
    built = build_bundle([TICKET], revision=1, parse=engine.parse)
    assert built.digest == Digest.of(built.archive)
    assert built.content == content_digest(built.archive)
    other = build_bundle([TICKET], revision=2, parse=engine.parse)
    assert other.content != built.content


def test_the_inventory_has_the_vendors_shape(engine):
    built = build_bundle([WINDOW, TICKET], revision=1, parse=engine.parse)
    inventory = json.loads(built.files["rule_inventory.json"])
    assert list(inventory) == ["overlay_inventory"]
    ticket, window = inventory["overlay_inventory"]
    assert ticket == {
        "rule_id": "acme.requires_ticket",
        "package": "overlay.acme_requires_ticket",
        "description": "Production changes carry a ticket.",
        "required_tooling_categories": ["ticketing_change_mgmt"],
        "practice_dimensions": [],
        "tier_scope": ["prod"],
        "kind": "structural",
        "rego_body": TICKET.rule.decode(),
        "source": "overlay",
    }
    assert (window["rule_id"], window["kind"]) == ("acme.window", "behavior")


def test_an_overlay_without_rules_is_a_bundle(engine):
    built = build_bundle([], revision=9, parse=engine.parse)
    assert sorted(built.files) == [".manifest", "rule_inventory.json"]
    assert built.files["rule_inventory.json"] == build_inventory([])


@pytest.mark.parametrize(
    "rules",
    [
        [Source("acme.x", b"package proposal\n")],
        [Source("acme.other", TICKET.rule)],
        [Source("../../etc/x", TICKET.rule)],
        [TICKET, source("acme.b", leaf="acme_requires_ticket")],
    ],
    ids=["package-proposal", "other-id", "path", "shared-package"],
)
def test_what_the_runner_would_refuse_is_not_built(rules, engine):
    with pytest.raises(ConfinementError):
        build_bundle(rules, revision=1, parse=engine.parse)


def test_one_rule_twice_is_refused(engine):
    with pytest.raises(UsageError):
        build_bundle([TICKET, TICKET], revision=1, parse=engine.parse)


@pytest.mark.integration
@pytest.mark.skipif(shutil.which("opa") is None, reason="no opa on PATH")
def test_stock_opa_loads_the_bundle(tmp_path, engine):
    built = build_bundle([TICKET, WINDOW], revision=3, parse=engine.parse)
    path = tmp_path / "bundle.tar.gz"
    path.write_bytes(built.archive)
    document = json.dumps({"context": {"target": {"tier": "prod"}}})
    done = subprocess.run(
        [
            "opa",
            "eval",
            "--bundle",
            str(path),
            "--stdin-input",
            "data.overlay.acme_window.deny",
        ],
        input=document,
        text=True,
        capture_output=True,
        check=True,
    )
    (result,) = json.loads(done.stdout)["result"][0]["expressions"][0]["value"]
    assert result["rule_id"] == "acme.window"
