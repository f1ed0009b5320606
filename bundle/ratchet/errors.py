# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with a proof, besides that there is none."""

from keys.errors import FormatError, RuleError, UnavailableError


class ProverUnavailableError(UnavailableError):
    """The solver is not installed, or its process does not start."""

    code = "prover-unavailable"


class ParameterDeclarationError(FormatError):
    """A parent's ``custom.params`` that is not as its format says."""

    code = "parameter-declaration"


class ParameterValueError(RuleError):
    """A value that the parent's declaration does not admit."""

    code = "parameter-value"
