# SPDX-License-Identifier: Apache-2.0
"""Random rules and inputs: the same for the same seed.

A rule is a mapping of heads to bodies, so that a mutation can change one statement.
Every statement is one that the portable subset allows.
"""

import copy
import random
from dataclasses import dataclass, field

HEADER = "package overlay.fuzz\n\nimport rego.v1\n"
DENY = "data.overlay.fuzz.deny"
PACKAGE = ("overlay", "fuzz")

_CONSTANTS = ("1", "2", "3", '"x"', '"y"', "true", "false", "null")
_OPERATORS = ("==", "!=", "<", "<=", ">", ">=")
_FIELDS = ("input.a", "input.b", "input.c.d", 'input.c["e"]', "input.o[0].k")
_TEXTS = ('"x"', '"xy"', '"y"', '""', '"a/x"')


@dataclass
class RandomRule:
    """Bodies by head; a head's bodies are alternatives."""

    bodies: dict[str, list[list[str]]] = field(default_factory=dict)

    @property
    def source(self) -> str:
        rules = [
            f"{head} if {{\n\t" + "\n\t".join(body) + "\n}\n"
            for head, bodies in self.bodies.items()
            for body in bodies
        ]
        return HEADER + "\n" + "\n".join(rules)


class Generator:
    """Rules, mutations of them, and inputs."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._locals = 0

    def rule(self) -> RandomRule:
        some = self._random.randint
        deny = f'deny contains {{"rule_id": "fuzz.rule", "message": {self._message()}}}'
        bodies = {
            deny: [self._body(some(1, 2), helpers=True) for _ in range(some(1, 2))],
            "h1": [self._body(1) for _ in range(2)],
            "h2": [self._body(1)],
            "f(p)": [[self._about("p")] for _ in range(some(1, 2))],
            "g(p, q)": [[f"p {self._operator()} q"]],
            "s1 contains e": [["some e in input.l", self._about("e")]],
            "v1 := w": [[f"w := {self._field()}", "not w == false"]],
        }
        return RandomRule(bodies)

    def mutation(self, rule: RandomRule) -> RandomRule:
        """Change one thing; often it makes the rule looser or stricter."""
        changed = copy.deepcopy(rule)
        pick = self._random
        heads = [h for h in changed.bodies if h not in ("s1 contains e", "v1 := w")]
        head = pick.choice(heads)
        bodies = changed.bodies[head]
        body = pick.choice(bodies)
        inside = head.startswith(("f(", "g("))
        statement = self._about("p") if inside else self._statement()
        kind = pick.random()
        if kind < 0.25 and len(body) > 1:
            body.pop(pick.randrange(len(body)))
        elif kind < 0.45:
            body.append(statement)
        elif kind < 0.6 and len(bodies) > 1:
            bodies.remove(body)
        elif kind < 0.75:
            bodies.append([statement])
        elif kind < 0.9:
            body[pick.randrange(len(body))] = statement
        else:
            bodies.reverse()
        return changed

    def document(self) -> dict:
        pick, document = self._random, {}
        for name in ("a", "b"):
            if pick.random() < 0.8:
                document[name] = self._value()
        if pick.random() < 0.85:
            document["c"] = {n: self._value() for n in "de" if pick.random() < 0.8}
        if pick.random() < 0.85:
            document["l"] = [self._value() for _ in range(pick.randint(0, 3))]
        if pick.random() < 0.85:
            count = pick.randint(0, 2)
            document["o"] = [
                {n: self._value() for n in "kv" if pick.random() < 0.8}
                for _ in range(count)
            ]
        if pick.random() < 0.9:
            document["t"] = pick.choice(("x", "xy", "yx", "y", "", "a/x", "A/X"))
        if pick.random() < 0.9:
            document["n"] = pick.randint(0, 4)
        return document

    # -- parts

    def _value(self):
        return self._random.choice((1, 2, 3, 0, "x", "y", "z", True, False, None))

    def _constant(self) -> str:
        return self._random.choice(_CONSTANTS)

    def _operator(self) -> str:
        return self._random.choice(_OPERATORS)

    def _field(self) -> str:
        return self._random.choice(_FIELDS)

    def _fresh(self) -> str:
        self._locals += 1
        return f"z{self._locals}"

    def _message(self) -> str:
        return self._random.choice(('"m"', 'sprintf("%v", [input])', '"other"'))

    def _body(self, length: int, *, helpers: bool = False) -> list[str]:
        body = [self._statement() for _ in range(length)]
        if helpers and self._random.random() < 0.6:
            body.append(self._helped())
        return body

    def _helped(self) -> str:
        z, pick = self._fresh(), self._random
        field_, constant = self._field(), self._constant()
        return pick.choice(
            (
                *("h1", "not h1") * 3,
                "h2",
                "not h2",
                f"f({field_})",
                f"{z} := {field_}\n\tnot f({z})",
                f"g({field_}, {constant})",
                f"some {z} in input.l\n\tnot g({z}, {constant})",
                f"{constant} in s1",
                f"some {z} in s1\n\t{self._about(z)}",
                f"count(s1) {self._operator()} {pick.randint(0, 2)}",
                f"v1 {self._operator()} {constant}",
                "not v1",
                f"some {z} in input.o\n\tf({z}.k)",
            )
        )

    def _about(self, name: str) -> str:
        """Return a statement about one name."""
        constants = ", ".join(self._random.sample(_CONSTANTS, 2))
        return self._random.choice(
            (
                f"{name} {self._operator()} {self._constant()}",
                f"{name} in {{{constants}}}",
                f"is_{self._random.choice(('string', 'number', 'null'))}({name})",
                f"not {name} == {self._constant()}",
            )
        )

    def _statement(self) -> str:
        z, pick = self._fresh(), self._random
        field_, operator, constant = self._field(), self._operator(), self._constant()
        number = pick.randint(0, 3)
        text = pick.choice(_TEXTS)
        about = self._about(z)
        if pick.random() < 0.3:  # where an encoder is most easily wrong by one
            return pick.choice(
                (
                    f"input.n - {pick.randint(1, 3)} {operator} {number}",
                    f"input.n {pick.choice(('<', '>'))} {number}",
                    f"input.n {operator} {self._field()}",
                    f"startswith(input.t, {text})",
                )
            )
        forms = (
            f"{field_} {operator} {constant}",
            f"{field_} {operator} {constant}",
            f"{field_}",
            f"not {field_}",
            f"not {field_} == {constant}",
            f"{field_} in {{{constant}, {self._constant()}}}",
            f"{field_} in [{constant}, {self._field()}]",
            f"some {z} in input.l\n\t{about}",
            f"some {z}i, {z} in input.l\n\t{z}i {operator} {number}\n\t{about}",
            f"some {z} in input.o\n\t{z}.k {operator} {constant}",
            f"some {z} in input.o\n\t{z}.k {operator} {z}.v",
            f'some "k", {z} in input.o[0]\n\t{about}',
            f"input.l[_] {operator} {constant}",
            f"input.l[{z}] {operator} {constant}\n\t{z} {operator} {number}",
            f"input.o[_].v {operator} {constant}",
            f"{field_} {operator} {self._field()}",
            f"{z} := {field_}\n\t{about}",
            f"{z} := {field_} == {constant}\n\t{z} == {pick.choice(('true', 'false'))}",
            f"{z} := input.n {pick.choice('+-*')} {number}\n\t{z} {operator} 2",
            f"input.n - {pick.randint(1, 3)} {operator} {number}",
            f"every {z} in input.l {{\n\t\t{about}\n\t}}",
            f"every {z} in input.o {{\n\t\t{z}.k {operator} {constant}\n\t}}",
            f'every {z}k, {z} in input.c {{\n\t\t{z}k != "d"\n\t\t{about}\n\t}}',
            f"count(input.l) {operator} {number}",
            f"count(input.t) {operator} {number}",
            f"count([{z} | some {z} in input.l; {about}]) {operator} {number}",
            f"count({{{z} | some {z} in input.l; {about}}}) {operator} {number}",
            f"{z} := {field_}\n\tcount([1 | some {z}e in input.l; {z}e != {z}]) {operator} {number}",
            f"{z} := [{z}e | some {z}e in input.o]\n\t{z}[0].k {operator} {constant}",
            f"some {z} in [{z}e.k | some {z}e in input.o]\n\t{about}",
            f"startswith(input.t, {text})",
            f"endswith(input.t, {text})",
            f"contains(input.t, {text})",
            f"{z} := startswith(input.t, {text})\n\tnot {z}",
            f"lower(input.t) {operator} {text}",
            f"trim_prefix(input.t, {text}) == {pick.choice(_TEXTS)}",
            f'some {z} in split(input.t, "/")\n\t{z} == {text}',
            f'{z} := concat("/", ["a", input.t])\n\t{z} == "a/x"',
            "regex.match(`^[a-y]$`, input.t)",
            f'object.get(input.c, "d", {constant}) {operator} {self._constant()}',
            f'type_name({field_}) == "string"',
            f"[{z}, _] := [{field_}, 1]\n\t{about}",
            f'{z} := {{"k": {field_}}}\n\t{z}.k {operator} {constant}',
        )
        return pick.choice(forms)
