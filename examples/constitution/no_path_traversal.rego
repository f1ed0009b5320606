# A path says where it leads: no parent segments, no empty ones, no backslashes.
package proposal

import rego.v1

rule_metadata["proposal.no_path_traversal"] := {
	"description": "Every path is relative, and has no segment that leads elsewhere.",
	"required_tooling_categories": [],
	"practice_dimensions": [],
	"tier_scope": ["any"],
}

deny contains {"rule_id": "proposal.no_path_traversal", "message": message} if {
	some file in input.proposal.files
	path := file.path
	leads_elsewhere(path)
	message := sprintf("expected a relative path without . or .. segments, got %s", [path])
}

leads_elsewhere(path) if startswith(path, "/")

leads_elsewhere(path) if contains(path, "\\")

leads_elsewhere(path) if {
	some segment in split(path, "/")
	segment in {"", ".", ".."}
}
