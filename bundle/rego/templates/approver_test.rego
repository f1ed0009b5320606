package overlay.__LEAF___test

import data.overlay.__LEAF__
import rego.v1

# A change of a secret that nobody approved; every test says how it differs.
change := {
	"proposal": {"files": [{
		"path": "infra/secrets/database.yaml",
		"content": "rotate: monthly",
	}]},
	"context": {
		"target": {"name": "eu-1", "tier": "prod", "kind": "kubernetes"},
		"change_kind": "normal",
		"evaluated_at": "2026-01-07T10:00:00Z",
		"pull_request": {
			"title": "Rotate monthly",
			"body": "",
			"branch": "feature/rotate",
			"labels": [],
			"author": "ada",
			"approvals": [],
		},
	},
}

approved_by(approvals) := object.union(change, {"context": {"pull_request": {"approvals": approvals}}})

in_context(fields) := object.union(change, {"context": fields})

touching(paths) := object.union(change, {"proposal": {"files": [file |
	some path in paths
	file := {"path": path, "content": ""}
]}})

test_allows_approval_by_security if {
	count(__LEAF__.deny) == 0 with input as approved_by([{"user": "grace", "groups": ["staff", "security"]}])
}

test_allows_second_of_two_approvals if {
	count(__LEAF__.deny) == 0 with input as approved_by([
		{"user": "linus", "groups": ["staff"]},
		{"user": "grace", "groups": ["security"]},
	])
}

test_allows_other_files if {
	count(__LEAF__.deny) == 0 with input as touching(["infra/network/vpc.yaml"])
}

test_allows_rollback_with_approval if {
	count(__LEAF__.deny) == 0 with input as object.union(
		approved_by([{"user": "grace", "groups": ["security"]}]),
		{"context": {"change_kind": "rollback"}},
	)
}

test_denies_without_approval if {
	count(__LEAF__.deny) == 1 with input as change
}

test_denies_approval_by_another_group if {
	count(__LEAF__.deny) == 1 with input as approved_by([{"user": "linus", "groups": ["staff"]}])
}

test_denies_own_approval if {
	count(__LEAF__.deny) == 1 with input as approved_by([{"user": "ada", "groups": ["security"]}])
}

test_denies_hotfix_without_approval if {
	count(__LEAF__.deny) == 1 with input as in_context({"change_kind": "hotfix"})
}

test_denies_rollback_without_approval if {
	count(__LEAF__.deny) == 1 with input as in_context({"change_kind": "rollback"})
}

test_denies_bot_without_approval if {
	count(__LEAF__.deny) == 1 with input as in_context({
		"change_kind": "bot",
		"pull_request": {"author": "renovate"},
	})
}

test_denies_one_secret_among_others if {
	count(__LEAF__.deny) == 1 with input as touching(["gitops/README.md", "infra/secrets/a.yaml"])
}

test_denies_each_secret if {
	count(__LEAF__.deny) == 2 with input as touching(["infra/secrets/a.yaml", "infra/secrets/b.yaml"])
}

test_denies_no_pull_request if {
	count(__LEAF__.deny) == 1 with input as {"proposal": change.proposal, "context": object.remove(change.context, ["pull_request"])}
}
