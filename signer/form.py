# SPDX-License-Identifier: Apache-2.0
"""The form of trust, which a Runner derives from the root that it is pinned to."""

from enum import StrEnum


class Form(StrEnum):
    """Who holds the admin keys.

    Attributes:
        EMBEDDED: The Control Plane too. The property does not hold.
        SOVEREIGN: Only people and workloads outside it.
    """

    EMBEDDED = "embedded"
    SOVEREIGN = "sovereign"


class Custody(StrEnum):
    """Who can *cause* a signature, not where the key lies (DESIGN T1).

    A KMS key that the Control Plane may call is ``CONTROL_PLANE``.
    """

    EXTERNAL = "external"
    CONTROL_PLANE = "control-plane"
