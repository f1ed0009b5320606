# Deploy window: billing-rollup changes between Sunday 22:00 and Monday 02:00 UTC.
#
# The time is the Runner's, input.context.evaluated_at: an auditor who repeats the
# decision sees the same one. The window is closed at its end, on the second.
# Hotfixes, rollbacks and bots wait for the window too.
package overlay.__LEAF__

import rego.v1

rule_metadata["__RULE_ID__"] := {
	"description": "The service billing-rollup changes only from Sunday 22:00 to Monday 02:00 UTC.",
	"required_tooling_categories": [],
	"practice_dimensions": [],
	"tier_scope": ["any"],
	"citation": {
		"id": "DEPLOY-WINDOW-001",
		"description": "Changes to billing are made while no invoice run reads its data.",
		"category": "release-management",
		"source": "https://csrc.nist.gov/projects/cprt/catalog#/cprt/framework/version/SP_800_53_5_1_1/home?element=CM-5",
	},
}

deny contains {"rule_id": "__RULE_ID__", "message": message} if {
	changes_service
	not in_window
	message := "expected a change of billing-rollup between Sunday 22:00 and Monday 02:00 UTC"
}

changes_service if input.context.service == "billing-rollup"

changes_service if {
	some file in input.proposal.files
	contains(file.path, "/billing-rollup/")
}

changes_service if {
	some file in input.proposal.files
	endswith(file.path, "/billing-rollup-application.yaml")
}

evaluated_ns := time.parse_rfc3339_ns(input.context.evaluated_at)

in_window if {
	time.weekday(evaluated_ns) == "Sunday"
	[hour, _, _] := time.clock(evaluated_ns)
	hour >= 22
}

in_window if {
	time.weekday(evaluated_ns) == "Monday"
	[hour, _, _] := time.clock(evaluated_ns)
	hour < 2
}
