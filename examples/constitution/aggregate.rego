# Gather the denies of packs and overlays, for readers of stock OPA that ask for
# data.proposal.deny alone. It only adds: nothing in the constitution depends on it.
package proposal

import rego.v1

deny contains entry if {
	some name
	some entry in data.pack[name].deny
}

deny contains entry if {
	some name
	some entry in data.overlay[name].deny
}
