# SPDX-License-Identifier: Apache-2.0
"""Reports: signed by the Runner's own key, chained, and never in the way."""

import http.server
import json
import threading

import pytest

from bundle.runner.errors import ReportRefusedError
from bundle.runner.notary import HttpNotary, open_runner_key
from bundle.runner.report import HEARTBEAT_S, SignedReporter
from control_plane.tsa import TimestampService
from keys.clock import utc_now
from keys.digest import Digest
from keys.errors import FormatError, KeyProviderError, UnavailableError
from keys.strict import b64decode, b64encode, loads_json
from signer.dsse import IN_TOTO, pae
from signer.predicates.runner_report import RunnerReportPredicate
from signer.statement import parse_statement
from signer.timestamp.errors import TimestampNonceError
from signer.trust import Expected, Trust
from signer.trusted_root import TrustedRoot
from signer.verify import verify_attestation
from tests.simulators.signing import SimulatedNotary


class Mailbox:
    """A reporter that keeps what it is given, or fails as it is told."""

    def __init__(self):
        self.statements = []
        self.fail = None

    def report(self, statement):
        if self.fail == "before":
            raise UnavailableError("expected an answer, got none")
        self.statements.append(statement)
        if self.fail == "after":
            raise UnavailableError("expected an answer, got none")

    @property
    def reports(self):
        return [
            RunnerReportPredicate.parse(parse_statement(s).predicate)
            for s in self.statements
        ]


def digest(statement):
    return Digest.of(pae(IN_TOTO, statement))


def test_a_step_is_reported_with_its_checks_and_its_release(bench, house):
    box = Mailbox()
    runner = bench.runner(reporter=box)
    runner.step()
    (report,) = box.reports
    release = house.releases[-1]
    assert (report.outcome, report.code, report.revision) == ("activated", None, 1)
    assert report.release == release.digest
    assert report.sequence == 1
    assert report.workspace == house.workspace
    assert report.checkpoint == release.predicate.checkpoint
    assert {c.status for c in report.checks} == {"passed"}
    (subject,) = parse_statement(box.statements[0]).subjects
    assert subject.digest == Digest.of(release.archive)


def test_reports_are_chained_over_restarts_and_only_news_is_reported(bench):
    box = Mailbox()
    runner = bench.runner(reporter=box)
    runner.step()
    runner.step()
    bench.mirror.down = True
    runner.step()
    runner.step()
    runner = bench.restart(runner, reporter=box)
    bench.mirror.down = False
    runner.step()
    assert [(r.outcome, r.code) for r in box.reports] == [
        ("activated", None),
        ("held", "unavailable"),
        ("unchanged", None),
    ]
    assert [r.sequence for r in box.reports] == [1, 2, 3]
    before = [None, *map(digest, box.statements[:-1])]
    assert [r.previous for r in box.reports] == before


def test_a_runner_with_nothing_new_says_so_once_an_hour(bench):
    box = Mailbox()
    runner = bench.runner(reporter=box)
    runner.step()
    bench.clock.move(seconds=HEARTBEAT_S - 1)
    runner.step()
    assert len(box.reports) == 1
    bench.clock.move(seconds=1)
    runner.step()
    assert [r.outcome for r in box.reports] == ["activated", "unchanged"]


def test_nothing_active_is_reported_about_the_genesis_root(bench, house):
    box = Mailbox()
    bench.mirror.down = True
    bench.runner(reporter=box).step()
    (report,) = box.reports
    assert (report.outcome, report.revision, report.release) == ("held", None, None)
    (subject,) = parse_statement(box.statements[0]).subjects
    assert subject.digest == house.workspace


@pytest.mark.parametrize("fail", ["before", "after"])
def test_an_undelivered_report_goes_first_the_next_time_as_it_was(bench, fail):
    box = Mailbox()
    runner = bench.runner(reporter=box)
    box.fail = fail
    event = runner.step()
    assert event.outcome == "activated"
    assert event.report_code == "unavailable"
    box.fail = None
    runner = bench.restart(runner, reporter=box)
    assert runner.step().report_code is None
    delivered = list(dict.fromkeys(box.statements))
    assert {report.sequence for report in box.reports} == {1, 2}
    assert len(delivered) == 2
    assert box.reports[-1].previous == digest(delivered[0])


def test_a_signed_report_verifies_as_the_runner_s_and_nobody_else_s(bench, house):
    delivered = []

    class Witness(SimulatedNotary):
        def log(self, attestation):
            delivered.append(super().log(attestation))
            return delivered[-1]

    key = house.people["runner"].key
    notary = Witness(house.log, house.authority, key.public_key, bench.clock.now)
    runner = bench.runner(reporter=SignedReporter(key, notary))
    assert runner.step().report_code is None
    trust = Trust(
        workspace=house.workspace,
        form=house.form,
        policy=house.policy(),
        trusted_root=TrustedRoot.parse(house.trusted_root()),
    )
    subjects = (Digest.of(house.releases[-1].archive),)
    expected = Expected(RunnerReportPredicate.type, subjects)
    at = bench.clock.now
    verified = verify_attestation(delivered[0], trust=trust, expected=expected, at=at)
    assert verified.require().identity.id == "runner"


def test_the_runner_s_key_is_made_once_and_is_no_state(tmp_path):
    first = open_runner_key(tmp_path / "runner", "secret")
    again = open_runner_key(tmp_path / "runner", "secret")
    assert first.public_key == again.public_key
    with pytest.raises(KeyProviderError):
        open_runner_key(tmp_path / "runner", "wrong")


def test_an_enrolled_runner_is_still_fresh(bench):
    open_runner_key(bench.directory, "secret")
    assert bench.runner().step().fresh


# ------------------------------------------------------------------ over HTTP


class Service:
    """A Control Plane of two endpoints on a loopback port."""

    def __init__(self, house):
        self.house = house
        authority = house.authority
        self.tsa = TimestampService(authority.key, authority.chain)
        self.replies = {}
        self.seen = []
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                service.seen.append((self.path, self.headers["authorization"]))
                status, data = service.answer(self.path, body)
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def answer(self, path, body):
        if path in self.replies:
            return self.replies[path]
        if path == "/api/v1/timestamp":
            return 200, self.tsa.respond(body, utc_now())
        value = loads_json(body, max_bytes=1 << 20)
        raw = b64decode(value["attestation"])
        key = self.house.people["runner"].key.public_key
        notary = SimulatedNotary(self.house.log, self.house.authority, key, utc_now())
        answer = {"attestation": b64encode(notary.log(raw)), "index": 1}
        return 200, json.dumps(answer).encode()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


REPORTS = "/v1/workspaces/acme/runners/runner/reports"


@pytest.fixture
def service(house):
    service = Service(house)
    yield service
    service.close()


@pytest.fixture
def notary(service):
    return HttpNotary(
        url=service.url, workspace="acme", runner="runner", token="a-token"
    )


def test_reports_travel_over_http(bench, house, service, notary):
    key = house.people["runner"].key
    runner = bench.runner(reporter=SignedReporter(key, notary))
    event = runner.step()
    assert (event.outcome, event.report_code) == ("activated", None)
    assert [path for path, _ in service.seen] == ["/api/v1/timestamp", REPORTS]
    assert service.seen[1][1] == "Bearer a-token"


def test_a_refusal_names_the_service_s_own_code(service, notary):
    problem = {"title": "no", "code": "unknown-signer"}
    service.replies[REPORTS] = (403, json.dumps(problem).encode())
    with pytest.raises(ReportRefusedError) as caught:
        notary.log(b"attestation")
    assert caught.value.evidence["refusal"] == "unknown-signer"


@pytest.mark.parametrize(
    "reply", [b"", b"[]", b"{}", b'{"attestation": 7}', b'{"attestation": "!"}']
)
def test_an_answer_of_another_shape_is_refused(service, notary, reply):
    service.replies[REPORTS] = (200, reply)
    with pytest.raises(FormatError):
        notary.log(b"attestation")


def test_an_answer_without_a_code_is_refused_all_the_same(service, notary):
    service.replies[REPORTS] = (500, b"<html>")
    with pytest.raises(ReportRefusedError):
        notary.log(b"attestation")


def test_a_timestamp_for_another_question_is_refused(service, notary, house):
    other = house.authority.stamp(b"signature", at=utc_now())
    service.replies["/api/v1/timestamp"] = (200, other)
    with pytest.raises(TimestampNonceError):
        notary.timestamp(b"signature")


def test_a_service_that_is_down_is_unavailable():
    notary = HttpNotary(
        url="http://127.0.0.1:9", workspace="acme", runner="runner", token="t"
    )
    with pytest.raises(UnavailableError):
        notary.log(b"attestation")
