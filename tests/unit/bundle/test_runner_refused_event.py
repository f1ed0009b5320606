# SPDX-License-Identifier: Apache-2.0
"""A refused result is false as a value, and is shown and reported all the same."""

from datetime import UTC, datetime

from bundle.runner.event import Event
from bundle.runner.report import build_report
from bundle.runner.state import ReportChain
from keys.digest import Digest
from keys.errors import VerificationError
from keys.strict import dumps_json
from signer.form import Form
from signer.predicates.runner_report import EngineRef
from signer.result import Check, Status, VerificationResult
from signer.statement import parse_statement

AT = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)
REFUSED = VerificationResult(
    "release 2", AT, (Check("fresh", "not expired", Status.FAILED, "release-expired"),)
)


def held() -> Event:
    return Event.held(VerificationError("no"), at=AT, revision=1, result=REFUSED)


def test_a_refused_result_is_in_the_event():
    value = held().to_json()
    assert value["result"]["code"] == "release-expired"
    dumps_json(value)


def test_a_refused_results_checks_are_reported():
    statement = build_report(
        held(),
        workspace=Digest.of(b"root"),
        runner="runner-1",
        form=Form.EMBEDDED,
        engine=EngineRef(name="regorus", version="0.13.0"),
        active=None,
        chain=ReportChain(),
        checkpoint=None,
    )
    checks = parse_statement(statement).predicate["checks"]
    assert checks == [{"id": "fresh", "status": "failed", "code": "release-expired"}]
