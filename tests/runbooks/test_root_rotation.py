# SPDX-License-Identifier: Apache-2.0
"""docs/runbooks/root-rotation.md, through the ends of a root and of the trust."""

from tests.simulators.desk import PAGES


def test_an_admin_is_replaced_and_what_ran_out_is_renewed(settled):
    settled.play(
        PAGES / "root-rotation.md",
        before={
            "When the root has run out": lambda: settled.wait(days=31),
            "When the trust has run out": lambda: settled.wait(days=58.5),
        },
    )


def test_a_root_without_those_who_signed_the_trust_is_refused(settled):
    """Step 1 of the page, left out."""
    settled.must("Dora", "trustacks keys create dora-root")
    settled.must("Dora", "trustacks keys create dora-targets")
    settled.must("Dora", "trustacks keys show dora-root --out dora-root.pub")
    settled.must("Dora", "trustacks keys show dora-targets --out dora-targets.pub")
    roots = "--root-key ann-root.pub --root-key dora-root.pub"
    targets = "--targets-key ann-targets.pub --targets-key dora-targets.pub"
    settled.must("Ann", f"trustacks root draft 2.root.json {roots} {targets}")
    settled.must("Ann", "trustacks root sign 2.root.json --key ann-root")
    offline = "--root acme.root.json --key dora-root"
    settled.must("Dora, offline", "trustacks keys create dora-root")  # another one
    stranger = settled.say(
        "Dora, offline", f"trustacks root sign 2.root.json {offline}"
    )
    assert stranger.code == "tuf-key"
    settled.must("Dora", "trustacks root sign 2.root.json " + offline)
    settled.must("Ben", "trustacks root sign 2.root.json --key ben-root")
    refused = settled.say(
        "Ann", "trustacks root publish 2.root.json --admin-key ann-admin"
    )
    assert (refused.exit_code, refused.code) == (1, "root-orphans-targets")
    assert settled.must("Ann", "trustacks root show").out.startswith("root 1")
