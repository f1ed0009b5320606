# SPDX-License-Identifier: Apache-2.0
"""in-toto's ``test-result/v0.1``: the tests of one rule passed.

Source: in-toto test-result v0.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

from keys.fields import Fields
from signer.predicates.base import PREFIX, TEST_RESULT
from signer.predicates.evidence import SuiteResult
from signer.predicates.parts import must
from signer.predicates.standard.said import (
    Resource,
    Said,
    Told,
    read_resources,
    write_resources,
)

CASES: Final = f"{PREFIX}suite/v1"
_PASSED: Final = "PASSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResultPredicate(Told):
    """A run that passed; one that did not cannot be built.

    Attributes:
        configuration: The test file, the engine, and the layers below.
        suite: Every case: the extension field that other tools skip.
    """

    __test__ = False  # pytest: this is not a test

    type: ClassVar[str] = TEST_RESULT
    configuration: tuple[Resource, ...]
    suite: SuiteResult

    @classmethod
    def parse(cls, predicate: dict[str, Any]) -> Self:
        """Parse the predicate as it is written here.

        Raises:
            FormatError: Another shape.
            SuiteNotPassedError: Tests that did not pass.
        """
        fields = Fields(predicate, "test-result")
        fields.constant("result", _PASSED)
        parsed = cls(
            said=Said.read(fields),
            configuration=read_resources(fields, "configuration"),
            suite=SuiteResult.parse(fields.object(CASES)),
        )
        names = tuple(case.name for case in parsed.suite.cases)
        for name, expected in (
            ("passedTests", names),
            ("warnedTests", ()),
            ("failedTests", ()),
        ):
            must(fields.texts(name) == expected, f"the cases of the suite in {name}")
        fields.done()
        return parsed

    def to_json(self) -> dict[str, Any]:
        """Return the predicate as a document."""
        return {
            "result": _PASSED,
            "configuration": write_resources(self.configuration),
            "passedTests": [case.name for case in self.suite.cases],
            "warnedTests": [],
            "failedTests": [],
            CASES: self.suite.to_json(),
            **self.said.to_json(),
        }
