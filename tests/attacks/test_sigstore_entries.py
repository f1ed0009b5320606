# SPDX-License-Identifier: Apache-2.0
"""Attack: entries by Rekor's door of strangers, of others' signatures, or of rubbish."""

import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bundle.audit.replay import replay
from control_plane.workflows.bodies import store_body
from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields
from keys.strict import b64decode, b64encode
from signer.attestation import parse_attestation, with_entry
from signer.predicates.artifact import ArtifactPredicate
from signer.statement import Subject, build_statement
from signer.tlog.entry import LogEntry
from signer.tlog.merkle import leaf_hash, verify_inclusion
from tests.simulators.embedded_client import EmbeddedClient, entry_request
from tests.simulators.fulcio import CaTerms, SimulatedFulcio
from tests.simulators.memory_key import MemoryKey
from tests.simulators.service import ControlPlane

FILE = b"a file of the platform team\n"
DIGEST = Digest.of(FILE)
ISSUER = "http://127.0.0.1:8080"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    found = ControlPlane(tmp_path_factory.mktemp("rekor") / "state")
    found.acme = found.create_workspace("acme")
    found.other = found.create_workspace("other")
    yield found
    found.close()


@pytest.fixture
def client(server):
    return EmbeddedClient(server.http)


@pytest.fixture(scope="module")
def api_token(server):
    return server.token("author", subject="alice", ttl_seconds=80_000)


@pytest.fixture
def token(client, api_token):
    return client.identity_token(api_token)


@pytest.fixture
def refused(server):
    def check(call, code, status):
        before = server.everything()
        answer = call()
        assert (answer.status_code, answer.json()["code"]) == (status, code), (
            answer.text
        )
        assert server.everything() == before
        return answer.json()

    return check


def signed(key: MemoryKey, digest: Digest = DIGEST) -> bytes:
    return key.private.sign(digest.raw, ec.ECDSA(Prehashed(SHA256())))


def certified(client, token, digest: Digest = DIGEST):
    """An entry of somebody whom the CA certified."""
    key = MemoryKey.ecdsa()
    certificate = client.leaf(token, key)
    return entry_request(digest, signed(key, digest), certificate=certificate)


# ------------------------------------------------------------------ honest ones


def test_an_entry_of_a_certificate_is_logged_with_its_proof(client, token):
    answer = client.log(certified(client, token))
    assert answer.status_code == 201
    entry = LogEntry.parse(Fields(answer.json(), "entry"))
    verify_inclusion(
        leaf=leaf_hash(entry.body),
        index=entry.index,
        size=entry.tree_size,
        proof=entry.proof,
        root=entry.root,
    )
    assert entry.checkpoint.startswith("acme.log.localhost\n")
    shown = client.http.get("/rekor/acme/api/v2/checkpoint", token=None)
    assert shown.text == entry.checkpoint


def test_the_same_entry_again_is_the_same_leaf(server, client, token):
    asked = certified(client, token)
    first = client.log(asked).json()
    before = server.everything()
    assert client.log(asked).json()["logIndex"] == first["logIndex"]
    assert server.everything() == before


def test_a_registered_key_may_log_too(server, client):
    jane = server.acme.register("jane-by-key", "author")
    asked = entry_request(DIGEST, signed(jane.key), key=jane.key)
    assert client.log(asked).status_code == 201


def test_a_log_is_found_by_its_own_name(server, client, token):
    asked = certified(client, token)
    host = {"host": "acme.log.localhost:8080"}
    path = "/api/v2/log/entries"
    answer = client.http.post(path, json=asked, headers=host, token=None)
    assert answer.status_code == 201
    found = client.http.get("/api/v2/checkpoint", headers=host, token=None)
    assert found.text == answer.json()["inclusionProof"]["checkpoint"]["envelope"]
    size = int(answer.json()["inclusionProof"]["treeSize"])
    for tile in (f"0/000.p/{size}", f"entries/000.p/{size}"):
        place = f"/api/v2/tile/{tile}"
        assert client.http.get(place, headers=host, token=None).status_code == 200


@pytest.mark.parametrize(
    "host", ["localhost", "log.localhost", "nobody.log.localhost", "a/b.log.localhost"]
)
def test_another_name_is_no_log(client, token, refused, host):
    asked = certified(client, token)
    path = "/api/v2/log/entries"
    headers = {"host": host}
    answer = client.http.post(path, json=asked, headers=headers, token=None)
    assert answer.status_code == 404


# ------------------------------------------------------------------ strangers


def test_a_key_of_a_stranger_is_refused(client, refused):
    key = MemoryKey.ecdsa()
    asked = entry_request(DIGEST, signed(key), key=key)
    said = refused(lambda: client.log(asked), "entry-signer", 403)
    assert said["evidence"]["because"] == "unknown-signer"


def test_a_key_that_ended_is_refused(server, client, refused):
    gone = server.acme.register("gone", "author")
    path = f"{server.acme.path}/identities/gone/revoke"
    assert server.http.post(path, json={"reason": "left"}).status_code == 200
    asked = entry_request(DIGEST, signed(gone.key), key=gone.key)
    refused(lambda: client.log(asked), "entry-signer", 403)


def test_a_key_before_and_after_its_time_is_refused(server, client, refused):
    at = server.clock()
    late = server.acme.register(
        "late", "author", not_after=format_instant(at + timedelta(hours=1))
    )
    server.clock.advance(hours=2)
    asked = entry_request(DIGEST, signed(late.key), key=late.key)
    refused(lambda: client.log(asked), "entry-signer", 403)
    server.clock.advance(hours=-2)


def test_a_certificate_of_another_ca_is_refused(server, client, refused):
    fulcio = SimulatedFulcio(CaTerms(at=server.clock() - timedelta(days=1)))
    key = MemoryKey.ecdsa()
    certificate = fulcio.certify(
        key, subject="alice@acme.localhost", issuer=ISSUER, at=server.clock()
    )
    asked = entry_request(DIGEST, signed(key), certificate=certificate)
    said = refused(lambda: client.log(asked), "entry-signer", 403)
    assert said["evidence"]["because"] == "wrong-instance"


def test_somebody_of_another_workspace_is_refused(server, client, refused):
    theirs = client.identity_token(server.token("author", "other", subject="alice"))
    asked = certified(client, theirs)
    refused(lambda: client.log(asked), "entry-signer", 403)
    assert EmbeddedClient(server.http, "other").log(asked).status_code == 201


def test_a_certificate_after_its_minutes_is_refused(server, client, token, refused):
    asked = certified(client, token)
    server.clock.advance(minutes=11)
    said = refused(lambda: client.log(asked), "entry-signer", 403)
    assert said["evidence"]["because"] == "certificate-window"


def test_no_entry_comes_into_a_log_that_is_not_there(client, token, refused):
    elsewhere = EmbeddedClient(client.http, "nowhere")
    asked = certified(client, token)
    refused(lambda: elsewhere.log(asked), "not-found", 404)


# ------------------------------------------------------------------ signatures


def test_a_signature_of_another_digest_or_key_is_refused(client, token, refused):
    key, other = MemoryKey.ecdsa(), MemoryKey.ecdsa()
    certificate = client.leaf(token, key)
    for signature in (
        signed(key, Digest.of(b"other")),
        signed(other),
        b"\x30\x00",
        key.sign(DIGEST.raw),
    ):
        asked = entry_request(DIGEST, signature, certificate=certificate)
        refused(lambda b=asked: client.log(b), "entry-signature", 422)


def test_a_second_signature_of_one_key_is_refused(server, client, refused):
    jane = server.acme.register("jane-twice", "author")
    first = entry_request(DIGEST, signed(jane.key), key=jane.key)
    assert client.log(first).status_code == 201
    second = entry_request(DIGEST, signed(jane.key), key=jane.key)
    refused(lambda: client.log(second), "entry-taken", 409)


# ------------------------------------------------------------------ rubbish


def _verifier(**changes):
    return {
        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
        "publicKey": {"rawBytes": b64encode(MemoryKey.ecdsa().public_key.spki)},
    } | changes


def _entry(verifier, digest=DIGEST.raw, content=b"\x30\x00"):
    return {
        "hashedRekordRequestV002": {
            "digest": b64encode(digest),
            "signature": {"content": b64encode(content), "verifier": verifier},
        }
    }


def coins() -> str:
    key = ec.generate_private_key(ec.SECP256K1()).public_key()
    return b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ({}, {"entry-request"}),
        ([], {"field-format"}),
        ({"dsseRequestV002": {}}, {"entry-request"}),
        ({"hashedRekordRequestV002": {}}, {"field-format"}),
        (_entry(_verifier(keyDetails="PKIX_ECDSA_P384_SHA_384")), {"key-format"}),
        (_entry(_verifier(keyDetails="PKIX_ED25519")), {"key-format"}),
        (_entry(_verifier(publicKey={"rawBytes": coins()})), {"key-format"}),
        (
            _entry(
                _verifier(
                    publicKey={
                        "rawBytes": b64encode(MemoryKey.ecdsa_p384().public_key.spki)
                    }
                )
            ),
            {"key-format"},
        ),
        (_entry(_verifier(publicKey={"rawBytes": "AAAA"})), {"key-format"}),
        (
            _entry(_verifier(x509Certificate={"rawBytes": "AAAA"})),
            {"certificate-format"},
        ),
        (_entry(_verifier(extra=1)), {"field-format"}),
        (_entry(_verifier(), digest=b"\0" * 31), {"entry-request"}),
        (_entry(_verifier(), digest=b"\0" * 33), {"field-format"}),
        (_entry(_verifier(), content=b"\0" * 73), {"field-format"}),
        (_entry(_verifier()) | {"more": 1}, {"field-format"}),
        ({"hashedRekordRequestV002": {"digest": "A" * 90_000}}, {"field-format"}),
    ],
)
def test_what_is_no_entry_is_refused(server, client, body, codes):
    before = server.everything()
    answer = client.log(body)
    assert answer.json()["code"] in codes, answer.text
    assert answer.status_code == 422
    assert server.everything() == before


def test_an_entry_beyond_the_bound_is_refused(client, refused):
    asked = {"hashedRekordRequestV002": {"digest": "A" * 100_000}}
    refused(lambda: client.log(asked), "body-too-large", 413)


# ------------------------------------------------------------------ bodies, later


@pytest.fixture
def alice(server):
    """Somebody of the embedded issuer, registered in the workspace."""
    path = f"{server.acme.path}/identities"
    claim = {
        "instance": "embedded",
        "issuer": ISSUER,
        "subject": "alice@acme.localhost",
    }
    terms = server.acme.terms("alice", "author", custody="control-plane")
    answer = server.http.post(path, json={"identity": terms, "oidc": claim})
    assert answer.status_code == 201, answer.text


def statement(server, name: str) -> bytes:
    predicate = ArtifactPredicate(
        workspace=server.acme.digest, identity="alice", signed_at=server.clock()
    )
    return build_statement([Subject(name, Digest.of(name.encode()))], predicate)


def logged(client, token, said: bytes):
    """Sign a statement and log it by Rekor's door; the bundle as a client has it."""
    pending = parse_attestation(client.sign(token, said))
    asked = entry_request(
        pending.digest, pending.envelope.signature, certificate=pending.leaf.der
    )
    answer = client.log(asked)
    assert answer.status_code == 201, answer.text
    entry = LogEntry.parse(Fields(answer.json(), "entry"))
    return pending, with_entry(pending, entry)


def submit(server, raw: bytes):
    path = f"{server.acme.path}/attestations"
    return server.http.post(path, json={"attestation": b64encode(raw)})


def test_an_attestation_comes_after_its_entry(server, client, token, alice):
    pending, whole = logged(client, token, statement(server, "late.bin"))
    place = parse_attestation(whole).entries[0].index
    path = f"{server.acme.path}/audit/entries?start={place}"
    assert server.http.get(path).json()["items"][0]["predicate_type"] is None
    answer = submit(server, whole)
    assert answer.status_code == 200, answer.text
    assert answer.json()["index"] == place
    kept = parse_attestation(b64decode(answer.json()["attestation"]))
    assert kept.envelope == pending.envelope
    assert server.http.get(path).json()["items"][0]["predicate_type"] is not None
    subject = str(Digest.of(b"late.bin"))
    found = server.http.get(f"{server.acme.path}/attestations?subject={subject}")
    assert [one["index"] for one in found.json()["items"]] == [place]
    # And so it does without its entry, and again.
    before = server.everything()
    assert submit(server, pending.raw).json()["index"] == place
    assert server.everything() == before


def test_an_attestation_of_another_signature_is_not_taken_for_it(
    server, client, refused
):
    jane = server.acme.register("jane-late", "author")
    predicate = server.acme.artifact(jane)
    subjects = [Subject("x", DIGEST)]
    first = parse_attestation(server.acme.sign_pending(subjects, predicate, jane))
    second = server.acme.sign_pending(subjects, predicate, jane)
    asked = entry_request(first.digest, first.envelope.signature, key=jane.key)
    assert client.log(asked).status_code == 201
    refused(lambda: submit(server, second), "entry-taken", 409)
    assert submit(server, first.raw).status_code == 200


def test_a_body_that_a_crash_left_keeps_other_signatures_out(server, client, refused):
    jane = server.acme.register("jane-crashed", "author")
    subjects, predicate = [Subject("x", DIGEST)], server.acme.artifact(jane)
    kept, other = (
        parse_attestation(server.acme.sign_pending(subjects, predicate, jane))
        for _ in range(2)
    )
    store_body(server.services.workspaces.open("acme"), kept)
    asked, good = (
        entry_request(one.digest, one.envelope.signature, key=jane.key)
        for one in (other, kept)
    )
    refused(lambda: client.log(asked), "entry-taken", 409)
    assert client.log(good).status_code == 201
    answer = submit(server, kept.raw)
    assert (answer.status_code, answer.json()["digest"]) == (200, str(kept.digest))


def test_an_entry_of_another_log_is_not_taken_off(server, client, token, alice):
    _, whole = logged(client, token, statement(server, "foreign.bin"))
    value = json.loads(whole)
    entry = value["verificationMaterial"]["tlogEntries"][0]
    entry["logId"]["keyId"] = b64encode(b"\0" * 32)
    answer = submit(server, json.dumps(value).encode())
    assert answer.status_code == 422


def replayed(server, workspace):
    http = server.http
    return replay(
        http.get(f"{workspace.path}/audit/pack").content,
        root=b64decode(http.get(workspace.path).json()["root"]),
        log_key=server.services.workspaces.open(workspace.name).log.key,
        engine=server.services.engine,
    )


def test_replay_misses_what_nobody_handed_in(server):
    quiet = server.create_workspace("quiet")
    jane = quiet.register("jane", "author")
    raw = quiet.sign_pending([Subject("x", DIGEST)], quiet.artifact(jane), jane)
    kept = parse_attestation(raw)
    asked = entry_request(kept.digest, kept.envelope.signature, key=jane.key)
    assert EmbeddedClient(server.http, "quiet").log(asked).status_code == 201
    assert "evidence-withheld" in replayed(server, quiet).codes
    body = {"attestation": b64encode(raw)}
    assert server.http.post(f"{quiet.path}/attestations", json=body).status_code == 200
    assert "evidence-withheld" not in replayed(server, quiet).codes
