# SPDX-License-Identifier: Apache-2.0
"""The gate: one function that says whether a release may be activated.

Runner, publisher and auditor call ``check_release`` with the same bytes and get the
same answer. ``check`` has the order of its steps; beside it, one file per family.
"""

from bundle.gate.candidate import (
    CONSTITUTION_SIGNATURE_TARGET,
    CONSTITUTION_TARGET,
    POLICY_TARGET,
    TRUSTED_ROOT_TARGET,
    Candidate,
    attestations_target,
    bundle_target,
    pack_signature_target,
    pack_target,
)
from bundle.gate.check import PLAN, check_release
from bundle.gate.standing import check_standing
from bundle.gate.verdict import AcceptedTrust, GateResult, VerifiedRelease

__all__ = [
    "CONSTITUTION_SIGNATURE_TARGET",
    "CONSTITUTION_TARGET",
    "PLAN",
    "POLICY_TARGET",
    "TRUSTED_ROOT_TARGET",
    "AcceptedTrust",
    "Candidate",
    "GateResult",
    "VerifiedRelease",
    "attestations_target",
    "bundle_target",
    "check_release",
    "check_standing",
    "pack_signature_target",
    "pack_target",
]
