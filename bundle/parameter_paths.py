# SPDX-License-Identifier: Apache-2.0
"""Which paths of parents a rule may read: the parameters that they declare.

Linter, publisher and gate ask this of the pinned parents and hand the answer to
``bundle.confine``. A parent that declares none costs nothing.
"""

from collections.abc import Sequence
from typing import Final

from bundle.confine import Parameters
from bundle.rego.engine import Engine, Module
from bundle.rego.errors import RegoParseError

_WORD: Final = "params"


def parameter_paths(parents: Sequence[Module], *, engine: Engine) -> Parameters:
    """Return the paths of all parameters that parents declare.

    A declaration that is wrong declares nothing: ``lint_layer`` says so.

    Raises:
        EvaluationError: The engine gave no answer.
    """
    declaring = declaring_parameters(parents)
    if not declaring:
        return ()
    from bundle.ratchet.errors import ParameterDeclarationError  # noqa: PLC0415 - loaded when asked for
    from bundle.ratchet.parameters import read_parameters  # noqa: PLC0415 - rarely

    try:
        found = read_parameters(declaring, engine=engine)
    except (ParameterDeclarationError, RegoParseError):
        return ()
    return tuple(parameter.path for parameter in found)


def declaring_parameters(parents: Sequence[Module]) -> list[Module]:
    """Return the modules in which the word stands; a guess that costs nothing."""
    return [module for module in parents if _WORD in module.source]
