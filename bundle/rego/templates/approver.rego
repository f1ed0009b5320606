# Approver: somebody of the group security approves what touches infra/secrets/.
#
# The author's own approval does not count, and neither hotfix, rollback nor bot is
# exempt.
package overlay.__LEAF__

import rego.v1

rule_metadata["__RULE_ID__"] := {
	"description": "A change under infra/secrets/ is approved by another person of the group security.",
	"required_tooling_categories": ["secrets_management"],
	"practice_dimensions": [],
	"tier_scope": ["any"],
	"citation": {
		"id": "SECRETS-APPROVAL-001",
		"description": "Changes to secrets are approved by a second person who is responsible for them.",
		"category": "access-control",
		"source": "https://csrc.nist.gov/projects/cprt/catalog#/cprt/framework/version/SP_800_53_5_1_1/home?element=AC-5",
	},
}

deny contains {"rule_id": "__RULE_ID__", "message": message} if {
	some file in input.proposal.files
	startswith(file.path, "infra/secrets/")
	not approved
	message := sprintf("expected an approval by the group security for %s, got none", [file.path])
}

approved if {
	some approval in input.context.pull_request.approvals
	"security" in approval.groups
	approval.user != input.context.pull_request.author
}
