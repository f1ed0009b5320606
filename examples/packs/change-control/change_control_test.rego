package pack.change_control_test

import data.pack.change_control
import rego.v1

change(tier, kind, fields) := {
	"proposal": {"files": [{"path": "gitops/a", "content": ""}]},
	"context": {
		"target": {"name": "eu-1", "tier": tier},
		"change_kind": kind,
		"evaluated_at": "2026-01-07T10:00:00Z",
		"pull_request": object.union({"author": "ada", "labels": []}, fields),
	},
}

test_allows_ordinary_changes if {
	count(change_control.deny) == 0 with input as change("prod", "normal", {"labels": ["size/S"]})
}

test_denies_skipped_controls if {
	count(change_control.deny) == 1 with input as change("prod", "normal", {"labels": ["skip-review"]})
}

test_allows_labels_outside_production if {
	count(change_control.deny) == 0 with input as change("dev", "normal", {"labels": ["skip-ci"]})
}

test_allows_hotfix_by_a_person if {
	count(change_control.deny) == 0 with input as change("prod", "hotfix", {})
}

test_denies_hotfix_by_a_bot if {
	count(change_control.deny) == 1 with input as change("dev", "hotfix", {"author": "renovate[bot]"})
}
