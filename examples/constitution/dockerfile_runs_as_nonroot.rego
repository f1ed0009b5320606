# A container does not run as root.
package proposal

import rego.v1

rule_metadata["practice.dockerfile_runs_as_nonroot"] := {
	"description": "A Dockerfile names a user that is not root.",
	"required_tooling_categories": [],
	"practice_dimensions": ["non_root_containers"],
	"tier_scope": ["any"],
}

deny contains {"rule_id": "practice.dockerfile_runs_as_nonroot", "message": message} if {
	some file in input.proposal.files
	path := file.path
	is_dockerfile(path)
	content := file.content
	not names_user(content)
	message := sprintf("expected a USER other than root in %s, got none", [path])
}

is_dockerfile(path) if path == "Dockerfile"

is_dockerfile(path) if endswith(path, "/Dockerfile")

# The last USER line counts, because it is the one that the container starts with.
names_user(content) if {
	users := [user | some line in split(content, "\n"); user := user_of(line)]
	last := users[count(users) - 1]
	not last in {"root", "0", "root:root", "0:0"}
}

user_of(line) := trim_space(trim_prefix(trim_space(line), "USER ")) if {
	startswith(trim_space(line), "USER ")
}
