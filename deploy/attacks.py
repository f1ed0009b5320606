# SPDX-License-Identifier: Apache-2.0
"""Prints the attacks on trust as Markdown: who does each, how it is refused, where.

Usage: ``make attacks``. The rows are those of ``tests/attacks/test_trust_attacks.py``,
which runs each against a Runner with state and a fresh one; ``ALSO`` names tests of the
same attack elsewhere, on one part alone.
"""

from typing import Final

from tests.attacks.test_trust_attacks import ATTACKS, LIST
from tests.simulators.thief import Attack

HERE: Final = "tests/attacks/test_trust_attacks.py"
ALSO: Final[dict[str, tuple[str, ...]]] = {
    "rollback": (
        "test_tuf_mirror.py::test_a_thief_of_the_online_keys_cannot_go_back",
        "test_runner_hostile.py::test_a_runner_with_state_does_not_go_back_with_the_whole_repository",
    ),
    "freeze": (
        "test_tuf_mirror.py::test_a_fresh_client_is_frozen_only_until_the_timestamp_expires",
    ),
    "mix and match": (
        "test_tuf_mirror.py::test_old_targets_under_a_newer_snapshot_are_refused",
        "test_release_steps.py::older_targets",
    ),
    "endless data": (
        "test_tuf_mirror.py::test_a_length_from_a_thief_of_the_snapshot_key_does_not_lift_our_bound",
    ),
    "slow retrieval": (
        "test_tuf_mirror.py::test_the_deadline_is_over_all_files_together",
    ),
    "orphan substitution": (
        "test_tuf_mirror.py::test_a_withdrawn_release_role_under_a_committed_number_is_refused",
    ),
    "an identity added without admins": (
        "test_trust_proposals.py::test_what_the_server_signs_itself_is_no_admin_s_signature",
        "test_release_steps.py::a_trust_policy_of_the_thief",
    ),
    "a threshold met by one key under two ids": (
        "test_tuf_mirror.py::test_a_root_that_counts_one_key_twice_is_never_stored",
        "test_rule_changes.py::the_author_under_a_second_id",
    ),
    "a custodial key promoted": (
        "test_tuf_mirror.py::test_a_root_with_a_custodial_admin_is_never_stored",
        "test_release_steps.py::an_author_in_the_control_plane_s_custody",
        "test_move.py::test_no_admin_is_asked_to_sign",
    ),
    "a revoked key": (
        "test_release_steps.py::a_release_by_a_revoked_releaser",
        "test_replay_trust.py::test_a_release_by_a_revoked_identity_is_refused",
    ),
    "a backdated signature": (
        "test_runner_hostile.py::rules_of_a_revoked_author_dated_back",
        "test_replay_trust.py::test_a_backdated_signature_is_refused",
    ),
    "a rule dropped without a retirement": (
        "test_release_steps.py::a_rule_that_is_dropped",
    ),
    "an old version of a rule brought back": (
        "test_release_steps.py::an_old_rule_version_again",
    ),
    "a retirement replayed": (
        "test_retirements.py::a_retirement_replayed",
        "test_retirements.py::an_approval_replayed",
    ),
    "a release that skips its predecessor": (
        "test_release_steps.py::a_revision_that_is_skipped",
        "test_replay_outcomes.py::test_a_release_with_a_gap_in_its_revisions_is_refused",
    ),
    "an expired release re-served with fresh timestamps": (
        "test_runner_hostile.py::a_release_that_ran_out",
    ),
    "older pins under newer releases": (
        "test_release_steps.py::a_release_for_older_targets",
    ),
    "another workspace's bundle": (
        "test_runner_hostile.py::the_release_of_another_workspace",
        "test_tuf_mirror.py::test_the_metadata_of_another_workspace_is_refused",
    ),
    "a certificate from the wrong instance": (
        "test_attestation_keyless.py::a_certificate_of_another_instance",
        "test_attestation_keyless.py::a_log_of_certificates_of_another_instance",
    ),
    "a rival root from the embedded key": (
        "test_tuf_mirror.py::test_a_rival_root_is_never_stored",
        "test_move.py::test_a_runner_of_the_new_pin_refuses_and_changes_nothing",
        "test_move.py::test_a_fresh_runner_pinned_lower_can_be_led_astray_and_says_so",
    ),
}
# What a row cannot say of itself.
NOTES: Final = {
    "freeze": "until the timestamp, the release or the targets expire",
    "a revoked key": "a fresh Runner believes a mirror that withholds it for a day",
}


def table() -> str:
    """Return one line for each way to do an attack."""
    lines = [
        "| attack | by | how | with state | fresh | tests of the same |",
        "|---|---|---|---|---|---|",
    ]
    for name in LIST:
        for first, one in enumerate(a for a in ATTACKS if a.name == name):
            lines.append(f"| {' | '.join(_cells(one, first=first == 0))} |")
    return "\n".join(lines)


def _cells(one: Attack, *, first: bool) -> tuple[str, ...]:
    note = f" ({NOTES[one.name]})" if first and one.name in NOTES else ""
    also = ALSO.get(one.name, ()) if first else ()
    return (
        f"{one.name}{note}" if first else "",
        one.by,
        one.way,
        f"`{one.code}`",
        f"`{one.fresh}`",
        " ".join(f"`{test}`" for test in also),
    )


def main() -> None:
    """Print the table, and how many there are."""
    print(table())
    print(
        f"\n{len(LIST)} attacks in {len(ATTACKS)} ways, each against a Runner with "
        f"state and a fresh one, in `{HERE}`."
    )


if __name__ == "__main__":
    main()
