# What the rule is about, in a sentence, and why.
#
# Hotfixes, rollbacks and bots are not exempt; say so here if they are to be.
package overlay.__LEAF__

import data.overlay_lib.target_tier
import rego.v1

rule_metadata["__RULE_ID__"] := {
	"description": "A production change changes no file under gitops/frozen/.",
	"required_tooling_categories": [],
	"practice_dimensions": [],
	"tier_scope": ["prod"],
	"citation": {
		"id": "OUR-HANDBOOK-001",
		"description": "The sentence of the handbook, standard or law that asks for this rule.",
		"category": "change-management",
		"source": "https://example.com/handbook#our-handbook-001",
	},
}

# A proposal is denied if every line of this body holds.
deny contains {"rule_id": "__RULE_ID__", "message": message} if {
	target_tier == "prod"
	some file in input.proposal.files
	startswith(file.path, "gitops/frozen/")
	message := sprintf("expected no change under gitops/frozen/, got %s", [file.path])
}
