# SPDX-License-Identifier: Apache-2.0
"""One rule, one input: does the formula say what OPA says?

The input is pinned by facts. What stays open in the formula (builtins without a
meaning there, comprehensions that are counted) is asked of OPA and pinned too, as far
as the solver's answer hangs on it.
"""

import json
from collections import Counter

import z3

from bundle.ratchet.encode import Encoder
from bundle.ratchet.formula import UnknownError
from bundle.ratchet.ground import Ground
from bundle.ratchet.program import Program
from bundle.ratchet.values import GET, INPUT, SIZE, VALUE, literal, plain_text
from bundle.rego.engine import Module
from tests.ratchet.generator import DENY, PACKAGE, Generator

_ROUNDS = 12
_OPEN_GET = z3.Function("open get", VALUE, VALUE, VALUE)
_OPEN_SIZE = z3.Function("open size", VALUE, z3.IntSort())


class Pins:
    """What the documents of one rule contain: a number for each place's collection."""

    def __init__(self, documents):
        self.everywhere, self._names, self._seen = [], {}, set()
        self.contents, self.values = {}, {}
        for document in documents:
            self.pin(document, ())

    def start(self, document):
        """Forget the contents of the last document, and pin this one."""
        self.contents, self.values = {}, {}
        self.top = self.pin(document, ())

    def pin(self, value, place, kind=None):
        if not isinstance(value, dict | list):
            return literal(value)
        kind = kind or ("object" if isinstance(value, dict) else "array")
        number = self._names.setdefault((kind, *place), len(self._names) + 1)
        name = getattr(VALUE, kind)(z3.IntVal(number))
        pairs = value.items() if kind == "object" else enumerate(value)
        members = []
        for key, item in pairs:
            term = self.pin(item, (*place, key))
            members.append((term if kind == "set" else literal(key), term))
        self.contents[name], self.values[name] = members, value
        for key, _ in members:
            if (name, key) not in self._seen:
                self._seen.add((name, key))
                self.everywhere.append((name, key))
        return name

    def interpret(self, tests):
        """Write the contents into tests, in place of ``get`` and ``size``."""
        collection, key = z3.Var(0, VALUE), z3.Var(1, VALUE)
        got, size = _OPEN_GET(collection, key), _OPEN_SIZE(collection)
        for name, members in self.contents.items():
            inside = VALUE.undefined
            for at, value in reversed(members):
                inside = z3.If(key == at, value, inside)
            got = z3.If(collection == name, inside, got)
            size = z3.If(collection == name, z3.IntVal(len(members)), size)
        tests = [z3.substitute(test, (INPUT, self.top)) for test in tests]
        return [
            z3.simplify(z3.substitute_funs(test, (GET, got), (SIZE, size)))
            for test in tests
        ]

    def plain(self, term):
        """Return the JSON value of a constant; raise if it is none of ours."""
        kind = term.decl().name()
        if kind == "null":
            return None
        if kind == "boolean":
            return z3.is_true(term.arg(0))
        if kind == "number":
            number = term.arg(0).as_fraction()
            return int(number) if number.denominator == 1 else float(number)
        if kind == "text":
            return plain_text(term.arg(0))
        return self.values[term]


class Formulas:
    """A rule's assertions, for both verdicts, while the known elements stay the same."""

    def __init__(self, program, pins, encoder):
        self._program, self._pins, self._encoder = program, pins, encoder
        self._made = {}

    def of(self, *, holds):
        known = len(self._pins.everywhere)
        if self._made.get(holds, (None, None, -1))[2] != known:
            encoder = self._encoder(self._program)
            ground = Ground(encoder.terms)
            ground.add(encoder.denies(PACKAGE), holds=holds)
            ground.close(tuple(self._pins.everywhere))
            self._made[holds] = (ground.tests, encoder.open_terms, known)
        return self._made[holds][:2]


class Check:
    """Compare formulas with an oracle.

    Args:
        encoder: The class that encodes; a mutant of it must be caught.
    """

    def __init__(self, engine, oracle, *, encoder=Encoder):
        self._engine, self._oracle, self._encoder = engine, oracle, encoder
        self.count = Counter()
        self.wrong = []

    def run(self, seed, pairs, *, per_rule=4, stop=False):
        """Check so many pairs of a rule and an input."""
        generator = Generator(seed)
        while self.count["agree"] + self.count["wrong"] < pairs:
            source = generator.rule().source
            self._rule(source, [generator.document() for _ in range(per_rule)])
            if stop and self.wrong:
                return

    def _rule(self, source, documents):
        verdicts = self._oracle.verdicts([["rule.rego", source]], DENY, documents)
        if verdicts is None:
            self.count["does not compile"] += 1
            return
        module = Module("rule.rego", source)
        program = Program.of([module], [self._engine.parse(module)])
        pins = Pins(documents)
        formulas = Formulas(program, pins, self._encoder)
        for document, verdict in zip(documents, verdicts, strict=True):
            if "value" not in verdict:
                self.count["error"] += 1
                continue
            denied = bool(verdict["value"])
            outcome = self._pair(source, formulas, pins, document, denied)
            self.count[outcome] += 1
            if outcome == "wrong":
                self.wrong.append((source, document, denied))

    def _pair(self, source, formulas, pins, document, verdict):
        known = {}
        pins.start(document)
        try:
            for _ in range(_ROUNDS):
                model, open_terms = _model(formulas, pins, known, holds=not verdict)
                if model is None:
                    return "agree"
                if not self._learn(source, document, model, open_terms, pins, known):
                    break
            model, _ = _model(formulas, pins, known, holds=verdict)
        except UnknownError as error:
            self.count[f"unknown: {error}"] += 1
            return "unknown"
        return "wrong" if model is None else "undetermined"

    def _learn(self, source, document, model, open_terms, pins, known):  # noqa: PLR0917
        """Ask OPA what one open term is for the arguments that the model gives it."""
        for name, terms, origin in list(open_terms.values()):
            try:
                shown, values = _arguments(pins, model, terms)
            except KeyError:
                continue
            types = [VALUE] * (len(shown) + 1)
            applied = z3.Function(f"{name}/{len(shown)}", *types)(*shown)
            if applied in known:
                continue
            modules = [["rule.rego", source + _probe(source, origin, values)]]
            probe = DENY.replace("deny", "probe")
            (answer,) = self._oracle.verdicts(modules, probe, [document]) or [{}]
            known[applied] = VALUE.undefined
            if "value" in answer:
                place = ("open", str(applied))
                known[applied] = pins.pin(answer["value"], place, _kind(origin))
            return True
        return False


def _arguments(pins, model, terms):
    """Return the arguments of an open term as constants, and as JSON."""
    shown, values = [], []
    for term in terms:
        (told,) = pins.interpret([term])
        if told.decl().name().startswith("written:array"):
            parts = [told.arg(i) for i in range(told.num_args())]
            inside, value = _arguments(pins, model, parts)
            shown.append(told.decl()(*inside))
        else:
            shown.append(model.eval(told, model_completion=True))
            value = pins.plain(shown[-1])
        values.append(value)
    return shown, values


def _model(formulas, pins, known, *, holds):
    tests, open_terms = formulas.of(holds=holds)
    solver = z3.Solver()
    solver.set("timeout", 5000)
    solver.add(*pins.interpret(tests))
    solver.add(*(term == value for term, value in known.items()))
    answer = solver.check()
    if answer == z3.unsat:
        return None, {}
    if answer == z3.unknown:
        raise UnknownError("the solver's clock")
    return solver.model(), open_terms


def _kind(origin):
    if (
        isinstance(origin, tuple)
        and len(origin) == 2
        and not isinstance(origin[0], str)
    ):
        return origin[0].kind
    return "set" if isinstance(origin, tuple) else None


def _probe(source, origin, values):
    """Return a rule whose value is that of an open term."""
    written = [json.dumps(value) for value in values]
    if isinstance(origin, str):
        return f"\nprobe := {origin}({', '.join(written)})\n"
    if _kind(origin) == "set" and isinstance(origin[0], str):
        return f"\nprobe := {origin[-1]}\n"
    node, captured = origin
    place = node.place
    text = source.encode()[place.start : place.end].decode()
    bound = [f"{n} := {v}" for n, v in zip(captured, written, strict=True)]
    return (
        "\nprobe := found if {\n\t"
        + "\n\t".join([*bound, f"found := {text}"])
        + "\n}\n"
    )
