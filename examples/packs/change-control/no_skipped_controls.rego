# Nobody labels a production change past its controls.
package pack.change_control

import rego.v1

rule_metadata["change_control.no_skipped_controls"] := {
	"description": "A production change has no label that skips a control.",
	"required_tooling_categories": ["ticketing_change_mgmt"],
	"practice_dimensions": [],
	"tier_scope": ["prod"],
}

deny contains {"rule_id": "change_control.no_skipped_controls", "message": message} if {
	data.overlay_lib.target_tier == "prod"
	some label in input.context.pull_request.labels
	label in {"force-merge", "skip-ci", "skip-review"}
	message := sprintf("expected no label that skips a control, got %s", [label])
}
