# SPDX-License-Identifier: Apache-2.0
"""Parameters of the parents: that they are what they say, and that a choice holds.

A parent that declares none costs nothing here: the word does not stand in its text.
Whether a stricter value never loosens a parent is proved once for its bytes.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from bundle.finding import Finding
from bundle.parameter_paths import declaring_parameters
from bundle.rego.engine import Engine, Module
from bundle.rule import RuleModule
from keys.digest import Digest

_FORMAT: Final = "compare with docs/formats/ratchet.md, Parameters of a parent"
# What was found out about the bytes of a parent; a release of it is read many times.
_PROVED: dict[Digest, tuple[Finding, ...]] = {}


def refused_choices(
    rule: RuleModule, parents: Sequence[Module], *, engine: Engine
) -> Iterator[Finding]:
    """Yield a finding if the values that a rule states are not the parents' to give.

    Raises:
        EvaluationError: The engine gave no answer.
    """
    from bundle.ratchet.errors import (  # noqa: PLC0415 - rarely
        ParameterDeclarationError,
        ParameterValueError,
    )
    from bundle.ratchet.parameters import (  # noqa: PLC0415 - rarely
        check_parameters,
        read_parameters,
    )

    modules = _of_parent(rule.metadata.refines or "", parents, engine)
    try:
        declared = read_parameters(modules, engine=engine)
        check_parameters(declared, dict(rule.metadata.parameters))
    except ParameterDeclarationError as error:
        yield Finding("parameter-declaration", rule.path, 1, 1, error.message, _FORMAT)
    except ParameterValueError as error:
        line, column = place_of(rule, "parameters")
        fix = "state a value that the parent declares, at least as strict as its own"
        message = error.message
        yield Finding("parameter-refused", rule.path, line, column, message, fix)


def parameter_findings(
    parents: Sequence[Module], *, engine: Engine, prover: Any = None
) -> tuple[Finding, ...]:
    """Return what is wrong with the parameters that a parent declares.

    Raises:
        EvaluationError: The engine gave no answer.
    """
    declaring = declaring_parameters(parents)
    if not declaring:
        return ()
    texts = "\0".join(f"{m.path}\0{m.source}" for m in parents)
    digest = Digest.of(texts.encode())
    if digest not in _PROVED:
        found = tuple(_parameter_findings(parents, declaring, engine, prover))
        if any(finding.code == "prover-missing" for finding in found):
            return found
        _PROVED[digest] = found
    return _PROVED[digest]


def _parameter_findings(
    parents: Sequence[Module], declaring: list[Module], engine: Engine, prover: Any
) -> Iterator[Finding]:
    from bundle.ratchet.compare import lent  # noqa: PLC0415 - rarely
    from bundle.ratchet.errors import (  # noqa: PLC0415 - rarely
        ParameterDeclarationError,
        ProverUnavailableError,
    )
    from bundle.ratchet.parameters import (  # noqa: PLC0415 - rarely
        prove_monotone,
        read_parameters,
    )

    where = (declaring[0].path, 1, 1)
    try:
        declared = read_parameters(declaring, engine=engine)
        with lent(prover) as solver:
            for parameter in declared:
                proof = prove_monotone(parents, parameter, engine=engine, prover=solver)
                if not proof.holds:
                    yield _not_monotone(where, parameter, proof.reason)
    except ParameterDeclarationError as error:
        yield Finding("parameter-declaration", *where, error.message, _FORMAT)
    except ProverUnavailableError as error:
        yield prover_missing(*where, error.message)


def prover_missing(path: str, line: int, column: int, reason: str) -> Finding:
    """Return the finding of a question that only the solver answers."""
    fix = "install it: pip install z3-solver, or in a clone pip install -e '.[prove]'"
    return Finding("prover-missing", path, line, column, reason, fix)


def place_of(rule: RuleModule, name: str) -> tuple[int, int]:
    """Return line and column of a field of the metadata, as far as a text shows it."""
    for number, line in enumerate(rule.source.decode().split("\n"), start=1):
        for word in (f'"{name}"', f"# {name}:", f"{name}:"):
            if (at := line.find(word)) >= 0 and (word[0] == '"' or line[:1] == "#"):
                return number, at + 1
    return 1, 1


def _not_monotone(where: tuple[str, int, int], parameter: Any, reason: str) -> Finding:
    open_kind = parameter.kind in ("set", "window")
    return Finding(
        "parameter-not-monotone",
        *where,
        f"expected a stricter {parameter.name} to deny at least as much, got no proof: "
        f"{reason}",
        "compare in the direction that is declared, or let nobody choose the value",
        "warning" if open_kind else "error",
    )


def _of_parent(rule_id: str, parents: Sequence[Module], engine: Engine) -> list[Module]:
    """Return the modules of the packages that have a rule."""
    from bundle.ratchet.program import Program, declares  # noqa: PLC0415 - rarely

    trees = [engine.parse(module) for module in parents]
    scopes = Program.of(parents, trees).scopes
    named = {s.syntax.package for s in scopes if declares(s.syntax, rule_id)}
    pairs = zip(parents, scopes, strict=True)
    return [module for module, scope in pairs if scope.syntax.package in named]
