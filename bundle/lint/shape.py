# SPDX-License-Identifier: Apache-2.0
"""What ``rule sign`` would sign, built and read again: an author learns it before.

The parts that only the signing knows (who, when, which workspace, what it supersedes)
have placeholders of the same form; all that the rule, its tests and its lint bring is
what would be signed. What is far from every bound is not built: the statements' code
takes longer to load than an ordinary rule to lint.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from bundle.finding import Finding
from bundle.overlay import RuleFiles
from bundle.rule import RuleModule
from keys.digest import Digest
from keys.errors import TrustacksError
from keys.fields import Fields

_ANY: Final = Digest.of(b"")
_THEN: Final = datetime(2026, 1, 1, tzinfo=UTC)
# A quarter of what an attestation may have, in characters, items and bytes.
_MANY_CHARS: Final = 1_000
_MANY_ITEMS: Final = 250
_MANY_BYTES: Final = 256 * 1024
_FIX: Final = "shorten or drop what the message names: an attestation has bounds"


def shape_findings(
    files: RuleFiles, rule: RuleModule, *, test: dict[str, Any], lint: dict[str, Any]
) -> Iterator[Finding]:
    """Yield a finding if no attestation of this rule could be built.

    Args:
        files: The rule and its tests.
        rule: What it says of itself.
        test: The ``test`` object of the attestation.
        lint: The ``lint`` object.
    """
    if plainly_fits(rule, test=test, lint=lint):
        return
    try:
        unsigned_statement(files, rule, test=test, lint=lint)
    except TrustacksError as error:
        message = f"expected what can be attested, got {error.code}: {error.message}"
        yield Finding("signature-shape", rule.path, 1, 1, message, _FIX)


def plainly_fits(
    rule: RuleModule, *, test: dict[str, Any], lint: dict[str, Any]
) -> bool:
    """Return whether no part comes near a bound, and all have their form."""
    names = [case["name"] for case in test["cases"]]
    warnings, citation = lint["warnings"], rule.metadata.citation.to_json()
    texts = [*names, *warnings, *lint["checks"], *citation.values()]
    size = sum(map(len, texts)) + 250 * len(names)
    return (
        len(set(names)) == len(names) <= _MANY_ITEMS
        and len(warnings) <= _MANY_ITEMS
        and all(0 < len(text) <= _MANY_CHARS for text in texts)
        and size <= _MANY_BYTES
        and all(case["actual"] == case["expected"] for case in test["cases"])
        and {case["polarity"] for case in test["cases"]} == {"positive", "negative"}
    )


def unsigned_statement(
    files: RuleFiles, rule: RuleModule, *, test: dict[str, Any], lint: dict[str, Any]
) -> bytes:
    """Return the bytes that ``rule sign`` would sign, but for the placeholders.

    Raises:
        TrustacksError: A part is not as the predicate's format says, or too large.
    """
    from signer.predicates.evidence import (  # noqa: PLC0415 - 10 ms, for what passed
        LintResult,
        SuiteResult,
    )
    from signer.predicates.parts import Parents, Source  # noqa: PLC0415 - loaded when asked for
    from signer.predicates.rule import Citation, RulePredicate  # noqa: PLC0415 - loaded when asked for
    from signer.statement import Subject, build_statement  # noqa: PLC0415 - loaded when asked for

    predicate = RulePredicate(
        workspace=_ANY,
        rule_id=files.rule_id,
        package=rule.package,
        supersedes=_ANY,
        identity="author",
        signed_at=_THEN,
        source=Source(),
        citation=Citation.parse(Fields(rule.metadata.citation.to_json(), "citation")),
        test=SuiteResult.parse(Fields(test, "test")),
        lint=LintResult.parse(Fields(lint, "lint")),
        parents=Parents(_ANY, {}),
    )
    RulePredicate.parse(predicate.to_json())
    stem = f"rules/{files.rule_id}/{files.rule_id}"
    rego = Subject(f"{stem}.rego", Digest.of(files.rule))
    tests = Subject(f"{stem}_test.rego", Digest.of(files.test))
    return build_statement((rego, tests), predicate)
