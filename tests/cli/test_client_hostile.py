# SPDX-License-Identifier: Apache-2.0
"""A Control Plane that lies: the client signs nothing for it, and keeps nothing of it.

The server is real; between it and the client stands somebody who changes answers.
"""

import json

import httpx
import pytest

from bundle.layers import read_layer
from bundle.lint import lint_rule
from bundle.lint.linter import Against
from bundle.overlay import read_overlay
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.lexer import decode_module
from bundle.rego.testing import run_tests
from bundle.rule import read_rule
from keys.clock import utc_now
from keys.errors import (
    FormatError,
    NotFoundError,
    StorageUnavailableError,
    TrustacksError,
    VerificationError,
)
from keys.providers import open_signing_key
from keys.strict import b64decode, b64encode
from signer.form import Custody
from signer.identity import IdentityTerms
from signer.predicates.parts import Source
from signer.timestamp.errors import TimestampNonceError
from signer.tlog.note import sign_note
from tests.simulators.memory_key import MemoryKey
from tests.simulators.plane import git
from trustacks import limits
from trustacks._cli.config import load_config
from trustacks.client import Client
from trustacks.errors import (
    ControlPlaneRefusalError,
    NotLoggedInError,
    PinChangedError,
    ReleaseContendedError,
)
from trustacks.parents import load_parents
from trustacks.pinned import PinnedStore
from trustacks.possession import Proof, check_proof, prove
from trustacks.releasing import Releaser
from trustacks.signatory import KeySignatory
from trustacks.signing import Passed, RuleSigner
from trustacks.turns import Turns

SOURCE = Source()


class Between(httpx.BaseTransport):
    """Hands calls on; ``change`` sees each and may answer otherwise."""

    def __init__(self, change):
        self.change = change
        self.inner = httpx.HTTPTransport()

    def handle_request(self, request):
        request.read()
        answer = self.inner.handle_request(request)
        answer.read()
        return self.change(request, answer) or answer

    def close(self):
        self.inner.close()


class SpiedKey:
    """A key that tells what it signed."""

    def __init__(self, inner):
        self.inner, self.signed = inner, []

    @property
    def public_key(self):
        return self.inner.public_key

    def sign(self, message):
        self.signed.append(message)
        return self.inner.sign(message)


class Desk:
    """One person's key, pin and API, with somebody in between."""

    def __init__(self, person, name, change):
        self.login = load_config(person.home).login()
        uri = f"encfile:{person.home / 'keys' / name}.pem"
        passphrase = (person.folder / "passphrase").read_text().strip()
        self.key = SpiedKey(open_signing_key(uri, lambda _: passphrase))
        self.client = Client(
            self.login.url, token=self.login.token, transport=Between(change)
        )
        self.api = self.client.workspace("acme")
        self.store = PinnedStore(
            person.home / "workspaces",
            root=self.login.root,
            url=self.login.url,
            name="acme",
        )
        self.shown = []

    def signer(self):
        pinned = self.store.refresh(at=utc_now())
        return RuleSigner(
            pinned=pinned,
            parents=pinned.parents(),
            head=pinned.head(at=utc_now()),
            signatory=KeySignatory(self.key),
            api=self.api,
            clock=utc_now,
            source=SOURCE,
            show=self.shown.append,
        )

    def releaser(self, engine, **changes):
        return Releaser(
            store=self.store,
            api=self.api,
            signatory=KeySignatory(self.key),
            engine=engine,
            clock=utc_now,
            source=SOURCE,
            show=self.shown.append,
            **changes,
        )


class Asked:
    """An engine that counts what it parses, and perhaps something happens meanwhile."""

    def __init__(self, inner, meanwhile=lambda: None):
        self._inner, self._meanwhile, self.parsed = inner, meanwhile, 0

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def parse(self, module):
        self.parsed += 1
        self._meanwhile()
        return self._inner.parse(module)


def honest(_request, _answer):
    return None


@pytest.fixture
def engine():
    with EmbeddedEngine() as started:
        yield started


@pytest.fixture
def desk(request, alice, ci):
    opened = []

    def open_desk(change=honest, *, name="alice"):
        opened.append(Desk({"alice": alice, "ci": ci}[name], name, change))
        return opened[-1]

    yield open_desk
    for one in opened:
        one.client._http.close()


@pytest.fixture
def passed(drafted, desk, engine):
    """The drafted rule, tested and linted."""
    (files,) = read_overlay(drafted).rules
    layers = [
        read_layer(a) for a in desk().store.refresh(at=utc_now()).parents().archives
    ]
    modules = [m for layer in layers for m in layer.modules]
    module = decode_module("rule.rego", files.rule)
    return Passed(
        files,
        read_rule(module, engine.parse(module)),
        run_tests(files, engine=engine, parents=modules),
        lint_rule(files, engine=engine, against=Against(parents=modules)),
    )


def on(path, change):
    """Change the JSON answer of calls whose path ends so."""

    def changed(request, answer):
        if not request.url.path.endswith(path):
            return None
        value = json.loads(answer.content)
        change(value)
        return httpx.Response(answer.status_code, json=value)

    return changed


def edit_attestation(edit):
    """Change the completed attestation that the log gives back."""

    def change(value):
        document = json.loads(b64decode(value["attestation"]))
        edit(document)
        value["attestation"] = b64encode(json.dumps(document).encode())

    return on("/attestations", change)


def entry(document):
    return document["verificationMaterial"]["tlogEntries"][0]


LIES = {
    "no entry": (
        lambda d: d["verificationMaterial"].update(tlogEntries=[]),
        "not-logged",
    ),
    "an entry about something else": (
        lambda d: entry(d).update(canonicalizedBody=b64encode(b"{}")),
        "not-logged",
    ),
    "a proof of another tree": (
        lambda d: entry(d)["inclusionProof"].update(rootHash=b64encode(bytes(32))),
        "not-included",
    ),
    "a checkpoint of another key": (
        lambda d: entry(d)["inclusionProof"]["checkpoint"].update(envelope=FORGED),
        "checkpoint-signature",
    ),
    "another statement": (
        lambda d: d["dsseEnvelope"].update(payload=b64encode(b"{}")),
        "not-logged",
    ),
    "another signature": (
        lambda d: d["dsseEnvelope"]["signatures"][0].update(sig=b64encode(b"no")),
        "signature-invalid",
    ),
    "no timestamp": (
        lambda d: d["verificationMaterial"].pop("timestampVerificationData"),
        "not-logged",
    ),
}
FORGED = sign_note(
    f"acme.log.localhost\n1\n{b64encode(bytes(32))}\n",
    "acme.log.localhost",
    MemoryKey.ed25519(),
)
FORGED = FORGED.decode() if isinstance(FORGED, bytes) else FORGED


@pytest.mark.parametrize(("edit", "code"), LIES.values(), ids=LIES)
def test_a_lie_about_a_logged_rule_is_refused_before_it_is_kept(
    desk, passed, edit, code
):
    with pytest.raises(TrustacksError) as refused:
        desk(edit_attestation(edit)).signer().sign(passed)
    assert refused.value.code == code
    assert passed.files.attestation is None


def test_an_honest_answer_is_kept(desk, passed):
    assert desk().signer().sign(passed)


def test_an_answer_to_another_timestamp_request_is_refused(desk, passed):
    kept = []

    def replay(request, answer):
        if request.url.path != "/api/v1/timestamp":
            return None
        kept.append(answer.content)
        return httpx.Response(200, content=kept[0])

    there = desk(replay)
    there.signer().sign(passed)
    with pytest.raises(TimestampNonceError):
        there.signer().sign(passed)


TERMS = IdentityTerms(
    id="zoe",
    principal="zoe@acme.example",
    custody=Custody.EXTERNAL,
    permissions=frozenset({"author"}),
    namespaces=frozenset({"acme"}),
    not_before=utc_now(),
    not_after=utc_now().replace(year=2099),
)


def asked(there):
    """Ask to be registered with a new key."""
    there.key = SpiedKey(MemoryKey.ecdsa())
    return prove(
        TERMS,
        key=there.key,
        api=there.api,
        workspace=there.login.root,
        show=there.shown.append,
    )


CHALLENGES = {
    "another workspace": ({"workspace": "sha256:" + "0" * 64}, PinChangedError),
    "no challenge": ({"challenge": "!"}, TrustacksError),
    "a short challenge": ({"challenge": b64encode(b"short")}, FormatError),
    "no expiry": ({"expires": "soon"}, FormatError),
}


@pytest.mark.parametrize(("change", "error"), CHALLENGES.values(), ids=CHALLENGES)
def test_a_challenge_that_is_none_signs_nothing(desk, change, error):
    there = desk(on("/identity-challenges", lambda value: value.update(change)))
    with pytest.raises(error):
        asked(there)
    assert there.key.signed == []
    assert there.shown == []


def test_a_proof_says_the_terms_that_were_asked_and_only_those(desk):
    there = desk(
        on("/identity-challenges", lambda v: v.update(identity={"id": "root"}))
    )
    proof = asked(there)
    trust = there.store.refresh(at=utc_now()).trust
    assert check_proof(proof, trust=trust, at=utc_now()) == TERMS
    assert Proof.parse(proof.to_bytes()) == proof


def test_a_proof_of_another_key_is_refused_by_the_admins_own_client(desk):
    there = desk()
    proof = asked(there)
    trust = there.store.refresh(at=utc_now()).trust
    stolen = Proof(proof.attestation, MemoryKey.ecdsa().public_key)
    with pytest.raises(VerificationError):
        check_proof(stolen, trust=trust, at=utc_now())


def test_a_checkpoint_of_another_key_is_not_put_in_a_release(
    desk, signed_rules, engine
):
    def forge(request, answer):
        if request.url.path.endswith("/log/checkpoint"):
            return httpx.Response(200, content=FORGED.encode())
        return None

    there = desk(forge, name="ci")
    with pytest.raises(VerificationError) as refused:
        there.releaser(engine).release(signed_rules)
    assert refused.value.code == "checkpoint-signature"
    assert there.key.signed == []


@pytest.fixture
def signed_rules(alice, drafted):
    alice.must("rule", "sign", "--overlay", drafted)
    return read_overlay(drafted).rules


@pytest.mark.parametrize("lie", ["a proof of another tree", "no entry"])
def test_a_lie_about_a_logged_release_is_refused_before_it_is_sent(
    desk, signed_rules, engine, lie
):
    edit, code = LIES[lie]
    there = desk(edit_attestation(edit), name="ci")
    before = there.store.refresh(at=utc_now()).view.revision
    with pytest.raises(TrustacksError) as refused:
        there.releaser(engine).release(signed_rules)
    assert refused.value.code == code
    assert there.store.refresh(at=utc_now()).view.revision == before


def test_who_loses_the_race_signs_again_on_top_of_the_winner(
    desk, ci, drafted, signed_rules, engine
):
    winners = []

    def overtake(request, _answer):
        if request.url.path.endswith("/attestations") and not winners:
            winners.append(ci.must("bundle", "release", "--overlay", drafted, "--json"))

    there = desk(overtake, name="ci")
    waited = []
    turns = Turns(wait=waited.append)
    done = there.releaser(engine, turns=turns).release(signed_rules)
    (winner,) = winners
    assert (done.tries, len(waited)) == (2, 1)
    assert str(done.predicate.predecessor) == winner.value["release"]
    assert done.revision == winner.value["revision"] + 1
    assert git(drafted, "status", "--short", "-uno") == ""


def _stale(request, answer):
    if request.method != "POST" or not request.url.path.endswith("/releases"):
        return None
    problem = {"code": "release-predecessor-stale", "detail": "stale", "evidence": {}}
    return httpx.Response(409, json=problem)


def test_the_race_ends_after_so_many_tries(desk, signed_rules, engine):
    there, asked, waited = desk(_stale, name="ci"), Asked(engine), []
    turns = Turns(wait=waited.append)
    contended = there.releaser(asked, max_tries=3, turns=turns)
    with pytest.raises(ReleaseContendedError):
        contended.release(signed_rules)
    assert (len(there.shown), len(waited)) == (3, 2)
    assert asked.parsed == len(signed_rules), "once, not once a try"
    assert there.releaser(engine).max_tries == limits.MAX_RELEASE_TRIES == 50


def test_what_takes_long_is_done_before_the_newest_release_is_read(
    desk, ci, drafted, signed_rules, engine
):
    winners, clock = [], [0.0]

    def overtake():
        clock[0] += 60
        winners.append(ci.must("bundle", "release", "--overlay", drafted, "--json"))

    there = desk(honest, name="ci")
    slow = Asked(engine, overtake)
    turns = Turns(monotonic=lambda: clock[0])
    done = there.releaser(slow, turns=turns).release(signed_rules)
    (winner,) = winners
    assert done.tries == 1
    assert str(done.predicate.predecessor) == winner.value["release"]


def test_another_refusal_is_not_tried_again(desk, signed_rules, engine):
    def refuse(request, answer):
        found = _stale(request, answer)
        return found and httpx.Response(
            409, json={"code": "rule-dropped", "detail": "x"}
        )

    there = desk(refuse, name="ci")
    with pytest.raises(ControlPlaneRefusalError) as refused:
        there.releaser(engine).release(signed_rules)
    assert refused.value.passed_code == "rule-dropped"
    assert len(there.shown) == 1


# ---------------------------------------------------------------- the pin on disk


def test_a_changed_pin_is_refused(desk):
    store = desk().store
    path = store.directory / "1.root.json"
    path.write_bytes(path.read_bytes() + b"\n")
    for use in (lambda: store.root, lambda: store.refresh(at=utc_now())):
        with pytest.raises(PinChangedError):
            use()


def test_a_missing_pin_is_said(desk):
    store = desk().store
    (store.directory / "1.root.json").unlink()
    with pytest.raises(NotLoggedInError):
        store.refresh(at=utc_now())


def test_only_the_root_that_a_store_is_for_is_pinned(desk):
    store = desk().store
    with pytest.raises(PinChangedError):
        store.pin(store.root + b"\n")


def test_a_changed_layer_is_refused(desk):
    store = desk().store
    store.refresh(at=utc_now())
    path = next((store.directory / "parents").glob("*.tar.gz"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(StorageUnavailableError):
        load_parents(store.directory)


def test_layers_that_were_never_fetched_are_said(tmp_path):
    with pytest.raises(NotFoundError):
        load_parents(tmp_path)
