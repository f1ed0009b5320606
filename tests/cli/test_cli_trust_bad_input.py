# SPDX-License-Identifier: Apache-2.0
"""Bad trust documents: refused by a code, by admin and server alike; nothing changes.

Every document here is sent to the API of a real server by somebody with an admin's
token, and shown to an admin's own client as if a server had kept it.
"""

import json
from functools import partial

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from bundle.gate.candidate import POLICY_TARGET, TRUSTED_ROOT_TARGET
from bundle.tuf.proposal import build_proposal
from bundle.tuf.rootchain import open_roots
from keys.clock import utc_now
from keys.digest import Digest
from keys.errors import TrustacksError
from keys.strict import b64encode
from signer.limits import MAX_TRUST_POLICY_BYTES
from signer.predicates.trust_change import RULES_CHANGED, Change
from tests.cli.test_cli_ceremony import Admins
from tests.simulators.instance import GITHUB, MAIN, TAGS, SimulatedInstance
from tests.simulators.plane import tree
from trustacks.client import Client
from trustacks.errors import ControlPlaneRefusalError
from trustacks.pinned import PinnedStore
from trustacks.trusting import in_force, review

NAME = "badinput"
PUBLIC = SimulatedInstance()


def public_pem(key):
    public = key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


RSA_2048 = public_pem(rsa.generate_private_key(65537, 2048))
RSA_3072 = public_pem(rsa.generate_private_key(65537, 3072))
P384 = public_pem(ec.generate_private_key(ec.SECP384R1()))
P521 = public_pem(ec.generate_private_key(ec.SECP521R1()))
K256 = public_pem(ec.generate_private_key(ec.SECP256K1()))
ED25519 = public_pem(ed25519.Ed25519PrivateKey.generate())
PRIVATE = (
    ec.generate_private_key(ec.SECP256R1())
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)


class Desk:
    """What an admin, or whoever has their token, sends as the next trust."""

    def __init__(self, admins, pin):
        self.admins, ann = admins, admins.people["ann"]
        self.state = admins.plane.state
        url, root = admins.plane.url, pin.read_bytes()
        homes = ann.home / "workspaces"
        store = PinnedStore(homes, root=Digest.of(root), url=url, name=NAME)
        self.at = utc_now()
        self.pinned = store.refresh(at=self.at)
        self.now = in_force(self.pinned)
        token = admins.plane.admin_token.read_text().strip()
        self.client = Client(url, token=token)
        self.note = self.client.fetch(f"/w/{NAME}/log/checkpoint", max_bytes=10_000)

    @property
    def policy(self):
        """The next policy, good as it is."""
        document = json.loads(self.now.files[POLICY_TARGET])
        return document | {"version": document["version"] + 1}

    def proposal(self, files):
        return build_proposal(
            self.pinned.view.workspace,
            self.now.base,
            self.now.base.version + 1,
            files,
            self.pinned.release_key,
            Change(kind=RULES_CHANGED),
            checkpoint=self.note.decode(),
            at=self.at,
        )

    def client_code(self, files):
        """What an admin's own client says."""
        roots = open_roots(self.pinned.fetched.roots)
        made = self.proposal(files)
        with pytest.raises(TrustacksError) as refused:
            review(made, roots, self.now, files, [], at=self.at)
        return refused.value.code

    def api_code(self, files):
        """What the server says, whose storage is as before."""
        before = tree(self.state / "workspaces" / NAME)
        sent = {
            "proposal": b64encode(self.proposal(files).to_bytes()),
            "files": [b64encode(data) for data in files.values()],
        }
        with pytest.raises(ControlPlaneRefusalError) as refused:
            self.client.workspace(NAME).post("/trust/proposals", sent)
        assert tree(self.state / "workspaces" / NAME) == before
        return refused.value.passed_code


@pytest.fixture(scope="module")
def admins(plane, tmp_path_factory):
    return Admins(tmp_path_factory.mktemp("bad"), plane)


@pytest.fixture(scope="module")
def desk(admins):
    desk = Desk(admins, admins.whole(NAME, admins.folder / "ceremony"))
    with desk.client:
        yield desk


# ------------------------------------------------------------------ documents


def with_field(policy, **fields):
    return json.dumps(policy | fields).encode()


def with_identity(policy, **fields):
    first, *rest = policy["identities"]
    return with_field(policy, identities=[first | fields, *rest])


def with_threshold(policy, value, name="rule"):
    return with_field(policy, thresholds={"rule": 1, "release": 1} | {name: value})


def with_freshness(policy, **fields):
    return with_field(policy, freshness=policy["freshness"] | fields)


def identity(**fields):
    return partial(with_identity, **fields)


def field(**fields):
    return partial(with_field, **fields)


def threshold(value, name="rule"):
    return partial(with_threshold, value=value, name=name)


def freshness(**fields):
    return partial(with_freshness, **fields)


def a_key_twice(policy):
    return json.dumps(policy).replace('"version"', '"version": 9, "version"').encode()


def a_key_twice_within(policy):
    return json.dumps(policy).replace('"id"', '"id": "x", "id"', 1).encode()


def one_id_twice(policy):
    return with_field(policy, identities=policy["identities"] * 2)


def one_key_under_two_ids(policy):
    first = policy["identities"][0]
    return with_field(policy, identities=[*policy["identities"], first | {"id": "x"}])


def a_revocation_of_nobody(policy):
    end = {
        "identity": "nobody",
        "reason": "x",
        "revoked_at": "2026-01-01T00:00:00Z",
        "survivors": {"attestations": [], "releases": [], "checkpoint": None},
        "final": True,
    }
    return with_field(policy, revocations=[end])


def with_claim(policy, **oidc):
    """The first identity as an OIDC subject of an instance that is pinned."""
    first, *rest = policy["identities"]
    keyed = {name: value for name, value in first.items() if name != "public_key"}
    keyed["permissions"] = ["release"]  # an admin needs a key
    claim = {"instance": "public", "issuer": GITHUB, "subject": MAIN}
    known = {name: value for name, value in (claim | oidc).items() if value}
    ca, ct = {str(PUBLIC.authority): "external"}, {b64encode(PUBLIC.log_id): "external"}
    return with_field(
        policy,
        identities=[keyed | {"oidc": known}, *rest],
        instances=[
            {
                "name": "public",
                "certificate_authorities": [*ca],
                "ct_logs": [*ct],
                "issuers": [GITHUB],
            }
        ],
        custody=policy["custody"]
        | {
            "certificate_authorities": ca,
            "ct_logs": ct,
            "issuers": {GITHUB: "external"},
        },
    )


def claim(**oidc):
    return partial(with_claim, **oidc)


def pattern(text):
    return claim(subject=None, subject_pattern=text)


def one_subject_under_two_ids(policy):
    document = json.loads(with_claim(policy))
    first = document["identities"][0]
    return with_field(document, identities=[first, first | {"id": "x"}])


def a_key_and_a_subject(policy):
    document = json.loads(with_claim(policy))
    first = document["identities"][0] | {"public_key": PRIVATE}
    return with_field(document, identities=[first])


def an_instance_in_nobodys_custody(policy):
    document = json.loads(with_claim(policy))
    return with_field(document, custody=policy["custody"])


def a_subject_without_instances(policy):
    document = json.loads(with_claim(policy))
    return json.dumps({k: v for k, v in document.items() if k != "instances"}).encode()


def an_unknown_field_within(policy):
    return with_identity(policy, colour="blue")


def a_pack_that_climbs(policy):
    (pack,) = policy["layers"]["packs"]
    packs = [pack | {"name": "../x"}]
    return with_field(policy, layers=policy["layers"] | {"packs": packs})


def a_pack_twice(policy):
    layers = policy["layers"]
    return with_field(policy, layers=layers | {"packs": layers["packs"] * 2})


def larger_than_a_policy(policy):
    return json.dumps(policy).encode() + b" " * MAX_TRUST_POLICY_BYTES


ENDED = {"not_before": "2027-01-01T00:00:00Z", "not_after": "2026-01-01T00:00:00Z"}
EMPTY = {"not_before": "2027-01-01T00:00:00Z", "not_after": "2027-01-01T00:00:00Z"}
DOCUMENTS = {
    "nothing": (lambda _: b"", "json-format"),
    "no JSON": (lambda _: b"{", "json-format"),
    "another encoding": (lambda p: json.dumps(p).encode("utf-16"), "json-format"),
    "a list": (lambda p: json.dumps([p]).encode(), "field-format"),
    "nested without end": (lambda _: b"[" * 100_000, "limit-exceeded"),
    "a number that is none": (
        lambda p: with_field(p, version=float("nan")),
        "json-format",
    ),
    "a fraction": (field(version=2.5), "json-format"),
    "larger than a policy": (larger_than_a_policy, "limit-exceeded"),
    "a key twice": (a_key_twice, "json-format"),
    "a key twice within": (a_key_twice_within, "json-format"),
    "an unknown field": (field(colour="blue"), "field-format"),
    "an unknown field within": (an_unknown_field_within, "field-format"),
    "another format": (field(format="x"), "field-format"),
    "another workspace": (field(workspace=f"sha256:{'0' * 64}"), "workspace-mismatch"),
    "the version in force": (field(version=1), "trust-proposal-mismatch"),
    "PEM of nothing": (identity(public_key="x"), "key-format"),
    "a private key": (identity(public_key=PRIVATE), "key-format"),
    "RSA of 2048 bits": (identity(public_key=RSA_2048), "key-format"),
    "RSA, which no attestation is by": (
        identity(public_key=RSA_3072),
        "unsafe-trust-policy",
    ),
    "P-384": (identity(public_key=P384), "unsafe-trust-policy"),
    "an unknown curve": (identity(public_key=K256), "key-format"),
    "Ed25519": (identity(public_key=ED25519), "unsafe-trust-policy"),
    "a window that ends before it begins": (identity(**ENDED), "unsafe-trust-policy"),
    "a window of nothing": (identity(**EMPTY), "unsafe-trust-policy"),
    "an instant without a zone": (
        identity(not_after="2027-01-01T00:00:00"),
        "field-format",
    ),
    "no permission": (identity(permissions=[]), "unsafe-trust-policy"),
    "an unknown permission": (identity(permissions=["root"]), "unsafe-trust-policy"),
    "a permission twice": (identity(permissions=["admin", "admin"]), "field-format"),
    "no namespace": (identity(namespaces=[]), "unsafe-trust-policy"),
    "everything and more": (identity(namespaces=["*", "acme"]), "unsafe-trust-policy"),
    "a namespace that climbs": (identity(namespaces=["../x"]), "unsafe-trust-policy"),
    "an id that climbs": (identity(id="../x"), "unsafe-trust-policy"),
    "no principal": (identity(principal=""), "field-format"),
    "a principal without end": (identity(principal="x" * 257), "unsafe-trust-policy"),
    "a custody of nobody": (identity(custody="cloud"), "field-format"),
    "an author of the server's": (
        identity(custody="control-plane", permissions=["author"]),
        "custody",
    ),
    "one id twice": (one_id_twice, "unsafe-trust-policy"),
    "one key under two ids": (one_key_under_two_ids, "key-reused"),
    "a threshold of none": (threshold(0), "unsafe-trust-policy"),
    "a threshold below none": (threshold(-1), "field-format"),
    "a threshold above the authors": (threshold(2), "unsafe-trust-policy"),
    "a threshold above the releasers": (threshold(2, "release"), "unsafe-trust-policy"),
    "a threshold that is true": (threshold(True), "field-format"),  # noqa: FBT003 - a value
    "a threshold that is a text": (threshold("1"), "field-format"),
    "a threshold of something else": (threshold(1, "rules"), "field-format"),
    "a revocation of nobody": (a_revocation_of_nobody, "unsafe-trust-policy"),
    "a floor below the first": (
        field(floor={"revision": 0, "digest": f"sha256:{'0' * 64}"}),
        "field-format",
    ),
    "a floor without a digest": (
        field(floor={"revision": 1, "digest": "x"}),
        "field-format",
    ),
    "releases that never live": (
        freshness(release_max_seconds=0),
        "unsafe-trust-policy",
    ),
    "releases of a month and a second": (
        freshness(release_max_seconds=30 * 86_400 + 1),
        "unsafe-trust-policy",
    ),
    "targets of a quarter and a second": (
        freshness(targets_max_seconds=90 * 86_400 + 1),
        "unsafe-trust-policy",
    ),
    "a grace without end": (
        freshness(revocation_grace_seconds=10**9),
        "unsafe-trust-policy",
    ),
    "a pack that climbs": (a_pack_that_climbs, "predicate-format"),
    "a pack twice": (a_pack_twice, "unsafe-trust-policy"),
    "a subject without an instance": (a_subject_without_instances, "unknown-instance"),
    "a subject of an instance that is not pinned": (
        claim(instance="private"),
        "unknown-instance",
    ),
    "an issuer of another instance": (
        claim(issuer="https://idp.example.com"),
        "foreign-issuer",
    ),
    "an issuer over http": (claim(issuer="http://idp.example.com"), "unsafe-issuer"),
    "an issuer with a fragment": (claim(issuer=f"{GITHUB}#x"), "unsafe-issuer"),
    "a pattern without an end": (pattern(TAGS[:-1]), "unsafe-subject"),
    "a pattern without a begin": (pattern(TAGS[1:]), "unsafe-subject"),
    "a pattern of everything": (pattern("^.*$"), "unsafe-subject"),
    "a pattern that repeats what repeats": (
        pattern(r"^https://h/a/([a-z]+)+$"),
        "unsafe-subject",
    ),
    "a pattern of any owner": (
        pattern(r"^https://github\.com/[a-z]+/x$"),
        "unsafe-subject",
    ),
    "no subject": (claim(subject=None), "field-format"),
    "a key and a subject": (a_key_and_a_subject, "field-format"),
    "one subject under two ids": (one_subject_under_two_ids, "claim-reused"),
    "an instance in nobody's custody": (
        an_instance_in_nobodys_custody,
        "custody-unknown",
    ),
    "a waiver that is no digest": (field(withdrawn_waivers=["x"]), "field-format"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_bad_policy_is_refused_by_admin_and_server(desk, name):
    change, code = DOCUMENTS[name]
    files = {**desk.now.files, POLICY_TARGET: change(desk.policy)}
    assert (desk.client_code(files), desk.api_code(files)) == (code, code)


@pytest.mark.parametrize(
    ("root", "code"),
    [
        (b"{", "json-format"),
        (b"{}", "field-format"),
        (b'{"mediaType": 1, "mediaType": 1}', "json-format"),
    ],
)
def test_a_bad_trusted_root_is_refused_by_admin_and_server(desk, root, code):
    policy = json.dumps(desk.policy).encode()
    files = {**desk.now.files, POLICY_TARGET: policy, TRUSTED_ROOT_TARGET: root}
    assert (desk.client_code(files), desk.api_code(files)) == (code, code)


def test_the_good_one_beside_them_is_taken_by_an_admin(desk):
    policy = json.dumps(desk.policy).encode()
    files = {**desk.now.files, POLICY_TARGET: policy}
    made = desk.proposal(files)
    roots = open_roots(desk.pinned.fetched.roots)
    assert review(made, roots, desk.now, files, [], at=desk.at).trust.policy.version


# ------------------------------------------------------------------ commands


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--threshold", "rule=0"), "unsafe-trust-policy"),
        (("--threshold", "rule=-1"), "usage"),
        (("--threshold", "rule=2"), "unsafe-trust-policy"),
        (("--threshold", "release=2"), "unsafe-trust-policy"),
        (("--threshold", "rule=1.5"), "usage"),
        (("--threshold", "rules=1"), "usage"),
        (("--release-days", -1), "unsafe-trust-policy"),
        (("--release-days", 31), "unsafe-trust-policy"),
        (("--targets-days", 91), "unsafe-trust-policy"),
        (("--grace-seconds", -1), "unsafe-trust-policy"),
        (("--stale-until", "tomorrow"), "usage"),
        (("--floor", f"0:sha256:{'0' * 64}"), "usage"),
        (("--floor", "1:sha256:0"), "usage"),
        (("--withdraw-waiver", "x"), "field-format"),
    ],
)
def test_a_bad_change_is_not_proposed(desk, words, code):
    before = tree(desk.state / "workspaces" / NAME)
    ended = desk.admins.people["ann"]("trust", "change", *words)
    assert ended.code == code
    assert tree(desk.state / "workspaces" / NAME) == before


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "json-format"),
        (b"{", "json-format"),
        (b'{"format": "x", "format": "x"}', "json-format"),
        (b'{"format": "x"}', "field-format"),
        (b" " * (64 << 20), "limit-exceeded"),
    ],
    ids=["empty", "malformed", "a key twice", "another format", "oversized"],
)
def test_a_bad_proof_registers_nobody(desk, tmp_path, content, code):
    proof = tmp_path / "proof"
    proof.write_bytes(content)
    before = tree(desk.state / "workspaces" / NAME)
    ended = desk.admins.people["ann"]("identity", "register", "--proof", proof)
    assert ended.code == code
    assert tree(desk.state / "workspaces" / NAME) == before


@pytest.mark.parametrize("purpose", ["root", "targets"])
@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("x", "key-format"),
        (PRIVATE, "key-format"),
        (RSA_2048, "key-format"),
        (K256, "key-format"),
        (P521, "key-format"),
        (P384 * 20, "limit-exceeded"),
    ],
    ids=["no PEM", "a private key", "RSA 2048", "secp256k1", "P-521", "oversized"],
)
def test_a_bad_key_makes_no_root(admins, tmp_path, purpose, content, code):
    folder, bad = tmp_path / "ceremony", tmp_path / "bad.pub"
    bad.write_text(content)
    admins.begin(f"bad{purpose}", folder)
    before = tree(folder)
    keys = {
        one: [admins.pub("ann", one), admins.pub("ben", one)]
        for one in ("root", "targets")
    }
    keys[purpose][1] = bad
    words = [w for one, both in keys.items() for p in both for w in (f"--{one}-key", p)]
    ended = admins.people["ann"]("ceremony", "root", folder, *words)
    assert (ended.exit_code, ended.code) == (1, code)
    assert tree(folder) == before


@pytest.mark.parametrize("threshold", [0, 1, 3, -1])
def test_a_threshold_that_two_admins_cannot_mean_makes_no_root(
    admins, tmp_path, threshold
):
    folder = tmp_path / "ceremony"
    admins.begin("badthreshold", folder)
    before = tree(folder)
    keys = [
        w
        for one in ("root", "targets")
        for name in ("ann", "ben")
        for w in (f"--{one}-key", admins.pub(name, one))
    ]
    words = ("ceremony", "root", folder, *keys, "--threshold", threshold)
    ended = admins.people["ann"](*words)
    assert (ended.exit_code, ended.code) == (2, "tuf-unsafe-keys")
    assert tree(folder) == before
