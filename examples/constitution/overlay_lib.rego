# What the platform offers to every layer: the target, read in one place.
package overlay_lib

import rego.v1

target_name := input.context.target.name

target_tier := input.context.target.tier

default target_kind := "kubernetes"

target_kind := input.context.target.kind
