# A workflow names the actions that it runs by commit.
package proposal

import rego.v1

rule_metadata["practice.workflow_pins_action_versions"] := {
	"description": "A workflow pins every action of others to a commit.",
	"required_tooling_categories": ["ci_cd_platform"],
	"practice_dimensions": ["supply_chain_pinning"],
	"tier_scope": ["any"],
}

deny contains {"rule_id": "practice.workflow_pins_action_versions", "message": message} if {
	some file in input.proposal.files
	path := file.path
	startswith(path, ".github/workflows/")
	some line in split(file.content, "\n")
	regex.match(`^[ \t]*(- )?uses:[ \t]*[^./ \t]`, line)
	used := line
	not pinned(used)
	message := sprintf("expected actions pinned to a commit in %s, got %s", [path, trim_space(line)])
}

pinned(line) if regex.match(`@[0-9a-f]{40}(["' \t#]|$)`, line)
