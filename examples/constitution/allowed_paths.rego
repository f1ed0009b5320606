# A proposal touches the folders that the platform repository is made of.
package proposal

import rego.v1

rule_metadata["proposal.allowed_paths"] := {
	"description": "A proposal touches only the folders of the platform repository.",
	"required_tooling_categories": [],
	"practice_dimensions": [],
	"tier_scope": ["any"],
}

deny contains {"rule_id": "proposal.allowed_paths", "message": message} if {
	some file in input.proposal.files
	path := file.path
	not is_allowed_path(path)
	message := sprintf("expected a path under .github/workflows, argo-apps, gitops or infra, got %s", [path])
}

is_allowed_path(path) if {
	some prefix in [".github/workflows/", "argo-apps/", "gitops/", "infra/"]
	startswith(path, prefix)
}
