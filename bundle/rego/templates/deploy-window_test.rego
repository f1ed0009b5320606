package overlay.__LEAF___test

import data.overlay.__LEAF__
import rego.v1

# A change of billing-rollup; every test says when, or how it differs.
change := {
	"proposal": {"files": [{
		"path": "gitops/billing/prod/rollup/values.yaml",
		"content": "replicas: 1",
	}]},
	"context": {
		"target": {"name": "eu-1", "tier": "prod", "kind": "kubernetes"},
		"service": "billing-rollup",
		"change_kind": "normal",
		"evaluated_at": "2026-01-04T23:00:00Z",
	},
}

at(instant) := object.union(change, {"context": {"evaluated_at": instant}})

# A Wednesday.
outside(fields) := object.union(at("2026-01-07T10:00:00Z"), {"context": fields})

elsewhere(path) := object.union(outside({"service": "other"}), {"proposal": {"files": [{
	"path": path,
	"content": "",
}]}})

test_allows_sunday_evening if {
	count(__LEAF__.deny) == 0 with input as change
}

test_allows_first_second if {
	count(__LEAF__.deny) == 0 with input as at("2026-01-04T22:00:00Z")
}

test_allows_last_second if {
	count(__LEAF__.deny) == 0 with input as at("2026-01-05T01:59:59Z")
}

test_allows_other_services if {
	count(__LEAF__.deny) == 0 with input as outside({"service": "checkout"})
}

test_allows_hotfix_inside_the_window if {
	count(__LEAF__.deny) == 0 with input as object.union(change, {"context": {"change_kind": "hotfix"}})
}

test_denies_second_before if {
	count(__LEAF__.deny) == 1 with input as at("2026-01-04T21:59:59Z")
}

test_denies_end_of_the_window if {
	count(__LEAF__.deny) == 1 with input as at("2026-01-05T02:00:00Z")
}

test_denies_monday_evening if {
	count(__LEAF__.deny) == 1 with input as at("2026-01-05T22:30:00Z")
}

test_denies_sunday_morning if {
	count(__LEAF__.deny) == 1 with input as at("2026-01-04T01:00:00Z")
}

test_denies_hotfix_outside if {
	count(__LEAF__.deny) == 1 with input as outside({"change_kind": "hotfix"})
}

test_denies_rollback_outside if {
	count(__LEAF__.deny) == 1 with input as outside({"change_kind": "rollback"})
}

test_denies_bot_outside if {
	count(__LEAF__.deny) == 1 with input as outside({"change_kind": "bot"})
}

test_denies_by_folder if {
	count(__LEAF__.deny) == 1 with input as elsewhere("gitops/billing/prod/billing-rollup/values.yaml")
}

test_denies_by_application if {
	count(__LEAF__.deny) == 1 with input as elsewhere("argo-apps/argo-apps-prod/billing-rollup-application.yaml")
}

test_denies_without_time if {
	count(__LEAF__.deny) == 1 with input as {"proposal": change.proposal, "context": object.remove(change.context, ["evaluated_at"])}
}
