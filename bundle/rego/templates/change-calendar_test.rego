package overlay.__LEAF___test

import data.overlay.__LEAF__
import rego.v1

# A production change without a ticket; every test says how it differs.
change := {
	"proposal": {"files": [{
		"path": "gitops/shop/prod/checkout/values.yaml",
		"content": "replicas: 3",
	}]},
	"context": {
		"target": {"name": "eu-1", "tier": "prod", "kind": "kubernetes"},
		"service": "checkout",
		"change_kind": "normal",
		"evaluated_at": "2026-01-07T10:00:00Z",
		"pull_request": {
			"title": "Scale checkout",
			"body": "Three replicas.",
			"branch": "feature/scale-checkout",
			"labels": [],
			"author": "ada",
			"approvals": [],
		},
	},
}

in_pull_request(fields) := object.union(change, {"context": {"pull_request": fields}})

in_context(fields) := object.union(change, {"context": fields})

test_allows_ticket_in_body if {
	count(__LEAF__.deny) == 0 with input as in_pull_request({"body": "Planned as CM-1234."})
}

test_allows_ticket_in_branch if {
	count(__LEAF__.deny) == 0 with input as in_pull_request({"branch": "feature/CM-1234-scale"})
}

test_allows_ticket_at_the_start if {
	count(__LEAF__.deny) == 0 with input as in_pull_request({"body": "CM-7"})
}

test_allows_other_tiers if {
	count(__LEAF__.deny) == 0 with input as in_context({"target": {"tier": "dev"}})
}

test_allows_hotfix_with_ticket if {
	count(__LEAF__.deny) == 0 with input as in_context({
		"change_kind": "hotfix",
		"pull_request": {"branch": "hotfix/CM-911"},
	})
}

test_denies_no_ticket if {
	count(__LEAF__.deny) == 1 with input as change
}

test_denies_hotfix_without_ticket if {
	count(__LEAF__.deny) == 1 with input as in_context({"change_kind": "hotfix"})
}

test_denies_rollback_without_ticket if {
	count(__LEAF__.deny) == 1 with input as in_context({"change_kind": "rollback"})
}

test_denies_bot_without_ticket if {
	count(__LEAF__.deny) == 1 with input as in_context({
		"change_kind": "bot",
		"pull_request": {"author": "dependabot", "branch": "dependabot/npm/left-pad-2"},
	})
}

test_denies_prefix_without_number if {
	count(__LEAF__.deny) == 1 with input as in_pull_request({"body": "Ticket: CM-"})
}

test_denies_prefix_inside_a_word if {
	count(__LEAF__.deny) == 1 with input as in_pull_request({"branch": "feature/ACM-12"})
}

test_denies_no_pull_request if {
	count(__LEAF__.deny) == 1 with input as {"proposal": change.proposal, "context": object.remove(change.context, ["pull_request"])}
}
