package proposal_test

import rego.v1

import data.proposal

change(path, content) := {
	"proposal": {"files": [{"path": path, "content": content}]},
	"context": {
		"target": {"name": "eu-1", "tier": "dev"},
		"evaluated_at": "2026-01-07T10:00:00Z",
	},
}

denied_by(rule_id, document) if {
	some entry in proposal.deny with input as document
	entry.rule_id == rule_id
}

test_allows_folders_of_the_repository if {
	every folder in [".github/workflows/ci.yaml", "argo-apps/a.yaml", "gitops/a/b/c.yaml", "infra/secrets/a.yaml"] {
		count(proposal.deny) == 0 with input as change(folder, "")
	}
}

test_denies_other_folders if {
	every path in ["src/main.py", "INFRA/secrets/a.yaml"] {
		denied_by("proposal.allowed_paths", change(path, ""))
	}
}

test_denies_paths_that_lead_elsewhere if {
	every path in ["infra/../etc/passwd", "infra//secrets/a", "./infra/a", "/infra/a", "infra\\a", "infra/"] {
		denied_by("proposal.no_path_traversal", change(path, ""))
	}
}

test_allows_nonroot_containers if {
	count(proposal.deny) == 0 with input as change("gitops/a/Dockerfile", "FROM x\nUSER root\nUSER app")
}

test_denies_root_containers if {
	every content in ["FROM x", "USER root", "USER app\nUSER 0", "USER"] {
		denied_by("practice.dockerfile_runs_as_nonroot", change("gitops/a/Dockerfile", content))
	}
}

test_allows_pinned_actions if {
	count(proposal.deny) == 0 with input as change(
		".github/workflows/ci.yaml",
		"  - uses: actions/checkout@0123456789012345678901234567890123456789 # v5\n  - uses: ./local",
	)
}

test_denies_actions_by_tag if {
	every content in ["  - uses: actions/checkout@v5", "uses: a/b@main", "    uses: a/b"] {
		denied_by("practice.workflow_pins_action_versions", change(".github/workflows/ci.yaml", content))
	}
}

test_gathers_packs_and_overlays if {
	denied_by("pack.x", change("infra/a", "")) with data.pack as {"x": {"deny": {{"rule_id": "pack.x", "message": ""}}}}
	denied_by("acme.x", change("infra/a", "")) with data.overlay as {"x": {"deny": {{"rule_id": "acme.x", "message": ""}}}}
}

test_describes_every_rule if {
	every rule_id in [
		"proposal.allowed_paths",
		"proposal.no_path_traversal",
		"practice.dockerfile_runs_as_nonroot",
		"practice.workflow_pins_action_versions",
	] {
		proposal.rule_metadata[rule_id].description
	}
}
