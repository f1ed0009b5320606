package overlay.__LEAF___test

import data.overlay.__LEAF__
import rego.v1

# A change that the rule denies; every test says how it differs.
change := {
	"proposal": {"files": [{
		"path": "gitops/frozen/prod/billing/values.yaml",
		"content": "replicas: 3",
	}]},
	"context": {
		"target": {"name": "eu-1", "tier": "prod", "kind": "kubernetes"},
		"change_kind": "normal",
		"evaluated_at": "2026-01-07T10:00:00Z",
	},
}

in_context(fields) := object.union(change, {"context": fields})

at_path(path) := object.union(change, {"proposal": {"files": [{"path": path, "content": ""}]}})

test_allows_other_files if {
	count(__LEAF__.deny) == 0 with input as at_path("gitops/shop/prod/checkout/values.yaml")
}

test_allows_other_tiers if {
	count(__LEAF__.deny) == 0 with input as in_context({"target": {"tier": "dev"}})
}

test_denies_file_in_production if {
	count(__LEAF__.deny) == 1 with input as change
}

test_denies_hotfix if {
	count(__LEAF__.deny) == 1 with input as in_context({"change_kind": "hotfix"})
}

test_denies_rollback if {
	count(__LEAF__.deny) == 1 with input as in_context({"change_kind": "rollback"})
}

test_denies_bot if {
	count(__LEAF__.deny) == 1 with input as in_context({"change_kind": "bot"})
}
