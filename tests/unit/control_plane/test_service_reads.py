# SPDX-License-Identifier: Apache-2.0
"""Reports, audit, tokens and static files, as their readers see them."""

import pytest

from bundle.audit import pack as pack_module
from keys.digest import Digest
from keys.strict import b64decode, b64encode
from signer.attestation import build_attestation, parse_attestation
from signer.tlog.merkle import leaf_hash, verify_inclusion

# ---------------------------------------------------------------------- reports


@pytest.fixture
def runner(workspace):
    return workspace.register("runner-1", "report")


def _report(workspace, raw, runner="runner-1", **options):
    path = f"{workspace.path}/runners/{runner}/reports"
    return workspace.http.post(path, json={"attestation": b64encode(raw)}, **options)


def test_reports_follow_each_other_and_the_newest_is_shown(server, workspace, runner):
    first = _report(workspace, workspace.report(runner)).json()
    server.clock.advance(seconds=1)
    second = workspace.report(
        runner, sequence=2, previous=Digest.parse(first["digest"])
    )
    assert _report(workspace, second).status_code == 200
    (shown,) = workspace.http.get(f"{workspace.path}/runners").json()["items"]
    assert (shown["runner"], shown["sequence"]) == ("runner-1", 2)
    assert (shown["outcome"], shown["code"]) == ("held", "unavailable")


def test_a_report_that_arrives_twice_is_one_report(server, workspace, runner):
    first = _report(workspace, workspace.report(runner)).json()
    before = server.everything()
    again = _report(workspace, workspace.report(runner)).json()
    assert (again["digest"], again["index"]) == (first["digest"], first["index"])
    assert server.everything() == before


@pytest.mark.parametrize(
    ("sequence", "previous"),
    [(2, b"x"), (3, None)],
    ids=["another-previous", "a-gap"],
)
def test_a_report_out_of_turn_is_refused(workspace, refused, sequence, previous):
    runner = workspace.register("runner-1", "report")
    first = _report(workspace, workspace.report(runner)).json()
    digest = Digest.of(previous) if previous else Digest.parse(first["digest"])
    raw = workspace.report(runner, sequence=sequence, previous=digest)
    body = refused(lambda: _report(workspace, raw), 409, "report-sequence")
    assert body["evidence"]["last"] == {"sequence": 1, "digest": first["digest"]}


def test_the_first_report_is_the_first(workspace, runner, refused):
    raw = workspace.report(runner, sequence=2, previous=Digest.of(b"x"))
    body = refused(lambda: _report(workspace, raw), 409, "report-sequence")
    assert body["evidence"]["last"] is None


def test_a_runner_reports_for_itself_only(workspace, runner, refused):
    raw = workspace.report(runner)
    refused(
        lambda: _report(workspace, raw, "runner-2"), 403, "attestation-not-accepted"
    )


def test_an_author_is_no_runner(workspace, refused):
    jane = workspace.register("jane", "author")
    raw = workspace.report(jane)
    refused(lambda: _report(workspace, raw, "jane"), 422, "signer-not-permitted")


def test_a_rule_is_no_report(workspace, runner, refused):
    jane = workspace.register("jane", "author")
    found = parse_attestation(workspace.rule(jane))
    pending = build_attestation(
        envelope=found.envelope, key=jane.key.public_key, timestamps=found.timestamps
    )
    refused(
        lambda: _report(workspace, pending, "jane"), 403, "attestation-not-accepted"
    )


# ---------------------------------------------------------------------- audit


def test_leaves_come_in_order_and_in_pages(workspace, runner):
    path = f"{workspace.path}/audit/entries"
    page = workspace.http.get(path, params={"limit": 2}).json()
    assert [one["index"] for one in page["items"]] == [0, 1]
    rest = workspace.http.get(path, params={"start": page["next"]}).json()
    assert ([one["index"] for one in rest["items"]], rest["next"]) == ([2], None)
    beyond = workspace.http.get(path, params={"start": 99}).json()
    assert (beyond["items"], beyond["next"]) == ([], None)


def test_a_proof_leads_to_the_checkpoint(workspace, runner):
    path = f"{workspace.path}/audit/proofs"
    entry = workspace.http.get(path, params={"index": 1}).json()["entry"]
    proof = entry["inclusionProof"]
    verify_inclusion(
        leaf=leaf_hash(b64decode(entry["canonicalizedBody"])),
        index=1,
        size=int(proof["treeSize"]),
        proof=[b64decode(one) for one in proof["hashes"]],
        root=b64decode(proof["rootHash"]),
    )


def test_a_leaf_that_is_not_there_is_not_found(workspace, refused):
    path = f"{workspace.path}/audit/proofs"
    for index in (1, 2**31 - 1):
        refused(
            lambda i=index: workspace.http.get(path, params={"index": i}),
            404,
            "not-found",
        )


@pytest.mark.parametrize(
    "query",
    [{"start": -1}, {"limit": 0}, {"limit": 257}, {"start": 2**31}, {"start": "x"}],
)
def test_a_page_that_cannot_be_is_refused(workspace, refused, query):
    path = f"{workspace.path}/audit/entries"
    refused(lambda: workspace.http.get(path, params=query), 422, "request-invalid")


def test_the_evidence_pack_is_the_same_function_as_everywhere(server, workspace):
    answer = workspace.http.get(f"{workspace.path}/audit/pack")
    storage = server.services.workspaces.storage("acme")
    expected = pack_module.export_pack(storage, name="acme", at=server.clock())
    assert answer.content == expected
    assert answer.headers["content-type"] == "application/x-tar"


# ---------------------------------------------------------------------- static


@pytest.mark.parametrize(
    ("name", "cache", "kind"),
    [
        ("metadata/timestamp.json", "no-cache", "application/json"),
        ("log/checkpoint", "no-cache", "text/plain; charset=utf-8"),
        (
            "metadata/1.root.json",
            "public, max-age=31536000, immutable",
            "application/json",
        ),
        (
            "metadata/1.targets.json",
            "public, max-age=31536000, immutable",
            "application/json",
        ),
        (
            "log/tile/0/000.p/1",
            "public, max-age=31536000, immutable",
            "application/octet-stream",
        ),
    ],
)
def test_static_files_say_how_long_they_hold(server, workspace, name, cache, kind):
    answer = server.http.get(f"/w/acme/{name}", token="")
    stored = server.services.workspaces.storage("acme").get(name, max_bytes=2**20)
    assert answer.content == stored
    assert answer.headers["cache-control"] == cache
    assert answer.headers["content-type"] == kind
    again = server.http.get(
        f"/w/acme/{name}", headers={"if-none-match": answer.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    head = server.http.request("HEAD", f"/w/acme/{name}")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(stored))


@pytest.mark.parametrize(
    "path",
    [
        "/w/acme/metadata/2.root.json",
        "/w/acme/journal/log",
        "/w/acme/attestations/x",
        "/w/acme/metadata",
        "/w/acme/metadata/",
        "/w/acme/log/../journal/log",
        "/w/acme/log/%2e%2e/journal/log",
        "/w/acme/log/..%2fjournal%2flog",
        "/w/acme/log//checkpoint",
        "/w/acme/log/tile",
        "/w/acme/log/checkpoint/x",
        "/w/acme/.log-lock",
        "/w/acme/metadata/.lock",
        "/w/acme/metadata/x%00y",
        "/w/acme/metadata/" + "x" * 600,
        "/w/other/metadata/timestamp.json",
        "/w/.new-acme/metadata/timestamp.json",
        "/w/%2e%2e/metadata/timestamp.json",
    ],
)
def test_what_is_not_public_or_not_there_is_404_and_never_cached(
    server, workspace, path
):
    answer = server.http.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert answer.headers["cache-control"] == "no-store"
    assert str(server.settings.state) not in answer.text


def test_static_files_cannot_be_written(server, workspace):
    for method in ("PUT", "POST", "DELETE"):
        answer = server.http.request(method, "/w/acme/metadata/timestamp.json")
        assert answer.json()["code"] == "method-not-allowed"


# ---------------------------------------------------------------------- timestamps


def test_a_bad_timestamp_request_is_rejected_in_its_own_protocol(server):
    headers = {"content-type": "application/timestamp-query"}
    answer = server.http.post("/api/v1/timestamp", content=b"junk", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/timestamp-reply"


@pytest.mark.parametrize(("size", "status"), [(1024, 200), (1025, 413)])
def test_a_timestamp_request_is_bounded(server, size, status):
    headers = {"content-type": "application/timestamp-query"}
    answer = server.http.post("/api/v1/timestamp", content=b"x" * size, headers=headers)
    assert answer.status_code == status


def test_a_timestamp_request_has_its_media_type(server):
    answer = server.http.post("/api/v1/timestamp", json={})
    assert answer.json()["code"] == "request-invalid"


# ---------------------------------------------------------------------- tokens


def test_a_token_is_shown_once_and_then_listed_without_its_text(server, workspace):
    text = server.token("author", subject="jane@example.com")
    path = f"{workspace.path}/tokens"
    listed = workspace.http.get(path)
    (one,) = listed.json()["items"]
    assert text not in listed.text
    assert (one["role"], one["subject"]) == ("author", "jane@example.com")
    assert server.http.get("/v1/whoami", token=text).json() == {
        "subject": "jane@example.com",
        "role": "author",
        "workspace": "acme",
        "token_id": one["id"],
    }


def test_a_revoked_token_is_refused_at_once(server, workspace):
    text = server.token("author")
    (one,) = workspace.http.get(f"{workspace.path}/tokens").json()["items"]
    path = f"{workspace.path}/tokens/{one['id']}"
    assert workspace.http.delete(path).status_code == 204
    assert workspace.http.delete(path).status_code == 204
    refused = server.http.get("/v1/whoami", token=text).json()
    assert refused["code"] == "not-authenticated"


def test_an_expired_token_is_refused_with_its_own_code(server, workspace):
    text = server.token("author", ttl_seconds=60)
    server.clock.advance(seconds=59)
    assert server.http.get("/v1/whoami", token=text).status_code == 200
    server.clock.advance(seconds=1)
    answer = server.http.get("/v1/whoami", token=text)
    assert (answer.status_code, answer.json()["code"]) == (401, "token-expired")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "owner"},
        {"subject": ""},
        {"subject": "x" * 129},
        {"ttl_seconds": 0},
        {"ttl_seconds": 90 * 86400 + 1},
        {"ttl_seconds": "60"},
        {"workspace": "other"},
    ],
)
def test_a_token_that_cannot_be_is_refused(workspace, refused, changes):
    body = {"role": "author", "subject": "s", "ttl_seconds": 60} | changes
    path = f"{workspace.path}/tokens"
    refused(lambda: workspace.http.post(path, json=body), 422, "request-invalid")


def test_a_token_may_live_for_ninety_days(server, workspace):
    assert server.token("author", ttl_seconds=90 * 86400)


def test_a_token_of_another_workspace_cannot_be_revoked_here(server, refused):
    here, _ = server.create_workspace(), server.create_workspace("other")
    server.token("author", "other")
    (one,) = server.http.get("/v1/workspaces/other/tokens").json()["items"]
    refused(
        lambda: here.http.delete(f"{here.path}/tokens/{one['id']}"), 404, "not-found"
    )


# ---------------------------------------------------------------------- health


def test_health_needs_no_token(server):
    assert server.http.get("/healthz", token="").json() == {"status": "ok"}
    assert server.http.get("/readyz", token="").json() == {"status": "ready"}


def test_a_server_without_its_passphrase_is_not_ready(server):
    server.services.state.passphrase_file.unlink()
    assert server.http.get("/healthz").status_code == 200
    answer = server.http.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "not-ready")
    assert "passphrase" not in answer.text
