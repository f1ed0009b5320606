# SPDX-License-Identifier: Apache-2.0
"""Our predicate types: one file each, typed, strict in both directions.

``parse_predicate`` reads the predicate of a verified statement by its type. The two
types outside its table, ``identity-proof/v1`` and ``layer/v1``, are not signed by a
registered identity; ``signer.verify`` has a function for each.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

from signer.errors import UnknownPredicateError
from signer.predicates.approval import ApprovalPredicate
from signer.predicates.artifact import ArtifactPredicate
from signer.predicates.base import Predicate
from signer.predicates.lint import LintPredicate
from signer.predicates.release import ReleasePredicate
from signer.predicates.retirement import RetirementPredicate
from signer.predicates.root_change import RootChangePredicate
from signer.predicates.rule import RulePredicate
from signer.predicates.runner_report import RunnerReportPredicate
from signer.predicates.standard.provenance import ProvenancePredicate
from signer.predicates.standard.summary import SummaryPredicate
from signer.predicates.standard.svr import SvrPredicate
from signer.predicates.standard.test_result import TestResultPredicate
from signer.predicates.trust_change import TrustChangePredicate
from signer.predicates.waiver import WaiverPredicate
from signer.statement import Statement

_PARSERS: Final[MappingProxyType[str, Callable[[dict[str, Any]], Predicate]]] = (
    MappingProxyType(
        {
            ApprovalPredicate.type: ApprovalPredicate.parse,
            ArtifactPredicate.type: ArtifactPredicate.parse,
            LintPredicate.type: LintPredicate.parse,
            ProvenancePredicate.type: ProvenancePredicate.parse,
            ReleasePredicate.type: ReleasePredicate.parse,
            RetirementPredicate.type: RetirementPredicate.parse,
            RootChangePredicate.type: RootChangePredicate.parse,
            RulePredicate.type: RulePredicate.parse,
            RunnerReportPredicate.type: RunnerReportPredicate.parse,
            SummaryPredicate.type: SummaryPredicate.parse,
            SvrPredicate.type: SvrPredicate.parse,
            TestResultPredicate.type: TestResultPredicate.parse,
            TrustChangePredicate.type: TrustChangePredicate.parse,
            WaiverPredicate.type: WaiverPredicate.parse,
        }
    )
)


def parse_predicate(statement: Statement) -> Predicate:
    """Read what a registered identity said.

    Raises:
        UnknownPredicateError: A type of which this version knows nothing.
        FormatError: Not what the type says.
    """
    parse = _PARSERS.get(statement.predicate_type)
    if parse is None:
        raise UnknownPredicateError(
            "expected a predicate type of ours, "
            f"got {statement.predicate_type[:100]!r}",
            predicate_type=statement.predicate_type,
        )
    return parse(statement.predicate)
