# An emergency is declared by somebody who can be asked about it.
package pack.change_control

import rego.v1

rule_metadata["change_control.hotfix_by_a_person"] := {
	"description": "A hotfix is authored by a person.",
	"required_tooling_categories": ["ticketing_change_mgmt"],
	"practice_dimensions": [],
	"tier_scope": ["any"],
}

deny contains {"rule_id": "change_control.hotfix_by_a_person", "message": message} if {
	input.context.change_kind == "hotfix"
	author := input.context.pull_request.author
	endswith(author, "[bot]")
	message := sprintf("expected a person as author of a hotfix, got %s", [author])
}
