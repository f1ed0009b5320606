# SPDX-License-Identifier: Apache-2.0
"""The builtins that a rule may call, and the names that no rule may take.

The list is what regorus and OPA both have, less what one of them does differently or
what no auditor could repeat: clock, network, randomness, environment, ``walk`` (it
reaches a whole tree without naming it), ``upper``, floats, whatever needs a key. An
unknown name is refused by not being here.
"""

from typing import Final

_ALLOWED: Final = """
    abs array.concat array.reverse array.slice base64.decode base64.encode
    base64.is_valid concat contains count endswith format_int glob.match
    hex.decode hex.encode indexof intersection is_array is_boolean
    is_null is_number is_object is_set is_string json.is_valid json.marshal
    json.unmarshal lower max min net.cidr_contains net.cidr_is_valid numbers.range
    object.filter object.get object.keys object.remove object.subset object.union
    object.union_n product regex.find_n regex.is_valid regex.match regex.replace
    regex.split replace semver.compare sort split sprintf startswith
    strings.any_prefix_match strings.any_suffix_match strings.count
    strings.replace_n strings.reverse substring sum time.add_date time.clock
    time.date time.parse_duration_ns time.parse_rfc3339_ns time.weekday to_number
    trim trim_left trim_prefix trim_right trim_space trim_suffix type_name union
    yaml.is_valid yaml.unmarshal
"""
ALLOWED: Final = frozenset(_ALLOWED.split())

# First names of all builtins of OPA 1.20, allowed or not. A rule or function of such
# a name would be called by one engine where another calls the builtin.
_HEADS: Final = """
    abs all and any array assign base64 base64url bits cast_array cast_boolean
    cast_null cast_object cast_set cast_string ceil concat contains count crypto div
    endswith eq equal floor format_int glob graph graphql gt gte hex http indexof
    indexof_n internal intersection io is_array is_boolean is_null is_number
    is_object is_set is_string json lower lt lte max min minus mul neq net numbers
    object opa or plus print product providers rand re_match regex rego rem replace
    round semver set_diff sort split sprintf startswith strings substring sum time
    to_number trace trim trim_left trim_prefix trim_right trim_space trim_suffix
    type_name union units upper uri urlquery uuid walk yaml
"""
HEADS: Final = frozenset(_HEADS.split())

# Rule names that readers of decisions could take for more than a helper's.
_RESERVED: Final = """
    allow data exempt gap input rego rule_enforcement rule_index verdict waive
    waiver
"""
RESERVED: Final = frozenset(_RESERVED.split())

# Why the usual ones are missing, for the finding.
INSTEAD: Final = {
    "glob.quote_meta": "compare parts with startswith, endswith or contains",
    "semver.is_valid": "use regex.match: engines read a leading v differently",
    "time.now_ns": "read input.context.evaluated_at, which the Runner sets",
    "http.send": "put the fact into the input document: a rule cannot ask a network",
    "opa.runtime": "put the fact into the input document",
    "rand.intn": "a verdict has to be the same for an auditor: no randomness",
    "uuid.rfc4122": "a verdict has to be the same for an auditor: no randomness",
    "print": "remove it; use `trustacks rule test` to see inputs and verdicts",
    "trace": "remove it; use `trustacks rule test` to see inputs and verdicts",
    "walk": "name the path: some f in input.proposal.files",
    "upper": "compare lower(x) with a lower-case text",
    "round": "compare integers",
    "ceil": "compare integers",
    "floor": "compare integers",
}
