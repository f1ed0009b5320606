# SPDX-License-Identifier: Apache-2.0
"""``/metrics``: what it says, to whom, and that it is Prometheus' text format."""

import re
from datetime import timedelta

import pytest

from control_plane.jobs import collect_all, refresh_all, run_jobs
from control_plane.metrics import GARBAGE, JOBS, REFRESH
from keys.errors import StorageUnavailableError

_LINE = re.compile(r'(# (HELP|TYPE) .+|[a-z_]+(\{([a-z]+="[^"\\\n]*",?)+\})? -?[0-9]+)')
SUCCESS = "trustacks_job_last_success_timestamp_seconds"


def scraped(server, **options):
    answer = server.http.get("/metrics", **options)
    assert answer.status_code == 200, answer.text
    lines = answer.text.splitlines()
    assert all(_LINE.fullmatch(line) for line in lines), lines
    rows = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: int(value) for name, _, value in rows}


def expiry(what, workspace="acme"):
    return f'trustacks_seconds_to_expiry{{workspace="{workspace}",what="{what}"}}'


def test_the_job_says_when_each_role_expires(server, workspace):
    refresh_all(server.services)
    found = scraped(server)
    assert found[expiry("timestamp")] == timedelta(days=1).total_seconds()
    assert found[expiry("targets")] == timedelta(days=89).total_seconds()
    assert {expiry("root"), expiry("snapshot"), expiry("release")} <= found.keys()
    assert expiry("release-attestation") not in found
    server.clock.advance(days=2)
    assert scraped(server)[expiry("timestamp")] == -timedelta(days=1).total_seconds()
    refresh_all(server.services)
    assert scraped(server)[expiry("timestamp")] == timedelta(days=1).total_seconds()


def test_the_newest_release_expires_too(server, workspace):
    author = workspace.register("author", "author")
    releaser = workspace.register("releaser", "release")
    rule = workspace.rule(author)
    assert workspace.publish(workspace.release_request(releaser, rule)).is_success
    refresh_all(server.services)
    found = scraped(server)
    assert found[expiry("release-attestation")] == 7 * 24 * 3600
    assert found['trustacks_publishes_total{kind="release"}'] == 1
    assert found['trustacks_publishes_total{kind="trust"}'] == 2


def test_answers_and_refusals_are_counted(server):
    server.http.get("/healthz")
    server.http.get("/v1/workspaces/none")
    server.http.get("/v1/whoami", token="")
    server.http.request("BREW", "/healthz")
    found = scraped(server)
    assert found['trustacks_requests_total{method="GET",status="200"}'] == 1
    assert found['trustacks_requests_total{method="other",status="405"}'] == 1
    assert found['trustacks_refusals_total{code="not-found"}'] == 1
    assert found['trustacks_refusals_total{code="not-authenticated"}'] == 1
    assert found['trustacks_refusals_total{code="method-not-allowed"}'] == 1


def test_a_body_that_is_too_large_is_counted(server):
    server.http.post("/v1/workspaces/a/sign", content=b" " * (2 << 20))
    assert scraped(server)['trustacks_refusals_total{code="body-too-large"}'] == 1


def test_a_job_has_succeeded_when_every_workspace_was_looked_after(
    server, workspace, monkeypatch
):
    assert {scraped(server)[f'{SUCCESS}{{job="{job}"}}'] for job in JOBS} == {0}
    run_jobs(server.services)
    first = int(server.clock().timestamp())
    assert scraped(server)[f'{SUCCESS}{{job="{GARBAGE}"}}'] == first

    def refuse(*_, **__):
        raise StorageUnavailableError("the disk is away")

    server.create_workspace("other")
    opened = server.services.workspaces.open("acme")
    monkeypatch.setattr(type(opened), "refresh", refuse)
    server.clock.advance(hours=1)
    refresh_all(server.services)
    collect_all(server.services)
    found = scraped(server)
    assert found[f'{SUCCESS}{{job="{REFRESH}"}}'] == first
    assert found[f'{SUCCESS}{{job="{GARBAGE}"}}'] == first + 3600
    failure = 'trustacks_job_failures_total{job="refresh",code="storage-unavailable"}'
    assert found[failure] == 2


@pytest.mark.parametrize("role", ["admin", "auditor", "runner"])
def test_a_token_of_one_workspace_does_not_see_the_others(server, workspace, role):
    token = server.token(role)
    answer = server.http.get("/metrics", token=token)
    assert answer.status_code == 403
    assert "acme" not in server.http.get("/metrics", token="").text
    assert server.http.get("/metrics", token="").status_code == 401
