# SPDX-License-Identifier: Apache-2.0
"""Verify, run and replay signed policy overlays.

A Runner in ten lines::

    from trustacks import Runner

    root = open("1.root.json", "rb").read()  # pinned, from a channel that you trust
    with Runner(state="runner-state", root=root, url="https://host/w/acme") as runner:
        event = runner.step()  # refresh, verify, activate or hold
        decision = runner.decide(proposal)  # deny if nothing was verified
        for deny in decision.denies:
            print(deny.rule_id, deny.message)
        allowed = decision.allowed

Names are loaded when they are asked for: the command line imports this package too,
and does not need all of it. Nothing here needs the server's, the client's or any
cloud's libraries.
"""

from importlib import import_module
from typing import Any, Final

from keys.errors import TrustacksError

_NAMES: Final = {
    "AccessError": "keys.errors",
    "ActivationError": "keys.errors",
    "BusyError": "keys.errors",
    "Candidate": "bundle.gate",
    "Check": "signer.result",
    "Decision": "bundle.decision",
    "DecisionRecord": "bundle.decision",
    "Deny": "bundle.decision",
    "Event": "bundle.runner.event",
    "Form": "signer.form",
    "FormatError": "keys.errors",
    "GateResult": "bundle.gate",
    "KeyProviderError": "keys.errors",
    "Known": "bundle.marks",
    "LimitExceededError": "keys.errors",
    "Marks": "bundle.marks",
    "NotFoundError": "keys.errors",
    "Reporter": "bundle.runner.report",
    "RuleError": "keys.errors",
    "Runner": "bundle.runner.runner",
    "RunnerStatus": "bundle.runner.status",
    "StateError": "keys.errors",
    "Status": "signer.result",
    "StorageError": "keys.errors",
    "TrustPolicy": "signer.trust_policy",
    "UnavailableError": "keys.errors",
    "UsageError": "keys.errors",
    "VerificationError": "keys.errors",
    "VerificationResult": "signer.result",
    "VerifiedRelease": "bundle.gate",
    "Verifier": "bundle.verifier",
    "check_release": "bundle.gate",
    "replay": "bundle.audit.replay",
}

__all__ = ["TrustacksError", *sorted(_NAMES)]  # noqa: PLE0604 - strings, all of them


def __getattr__(name: str) -> Any:
    """Load a public name (PEP 562).

    Raises:
        AttributeError: There is no such name.
    """
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_NAMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
