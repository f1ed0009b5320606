# Change calendar: no production change without a change ticket.
#
# Hotfixes, rollbacks and bots are not exempt: an emergency ticket is a ticket.
package overlay.__LEAF__

import data.overlay_lib.target_tier
import rego.v1

rule_metadata["__RULE_ID__"] := {
	"description": "A production change names a CM- change ticket in its pull request's body or branch.",
	"required_tooling_categories": ["ticketing_change_mgmt"],
	"practice_dimensions": [],
	"tier_scope": ["prod"],
	"citation": {
		"id": "CM-TICKET-REQUIRED-001",
		"description": "Every change to production is recorded in the change calendar before it is made.",
		"category": "change-management",
		"source": "https://csrc.nist.gov/projects/cprt/catalog#/cprt/framework/version/SP_800_53_5_1_1/home?element=CM-3",
	},
}

deny contains {"rule_id": "__RULE_ID__", "message": message} if {
	target_tier == "prod"
	not has_ticket
	message := "expected a change ticket like CM-1234 in the pull request's body or branch, got none"
}

has_ticket if names_ticket(input.context.pull_request.body)

has_ticket if names_ticket(input.context.pull_request.branch)

names_ticket(text) if regex.match(`(^|[^A-Za-z0-9])CM-[0-9]+`, text)
