# SPDX-License-Identifier: Apache-2.0
"""``trustacks runner enroll``: a key made on the Runner, which may only report.

An admin enrols. Order: pin, key, identity, token, ``runner.json``; an interrupted
enrolment is finished by running it again.
"""

from datetime import timedelta
from pathlib import Path
from typing import Final

import click

from bundle.runner.notary import open_runner_key
from keys.digest import Digest
from keys.errors import UsageError
from keys.signing import SigningKey
from signer.errors import UnknownSignerError
from signer.form import Custody, Form
from signer.identity import ANY_NAMESPACE, IdentityTerms
from trustacks._cli.ceremony import reviewed_text
from trustacks._cli.config import Login
from trustacks._cli.connect import open_client_at, open_pinned
from trustacks._cli.files import read_given
from trustacks._cli.lazy import command
from trustacks._cli.output import pairs
from trustacks._cli.runner_home import Enrolment, RunnerHome
from trustacks._cli.secrets import read_token
from trustacks._cli.session import Session
from trustacks._cli.shown import statement_text
from trustacks._cli.trust import open_desk_at
from trustacks.answers import text_of
from trustacks.client import WorkspaceApi
from trustacks.limits import IDENTITY_DAYS, MAX_ROOT_BYTES
from trustacks.possession import check_proof, prove
from trustacks.proposing import propose
from trustacks.trust_changes import registration
from trustacks.trusting import Reviewed

_PATH = click.Path(path_type=Path)
# The longest that a token lives (days); a Runner is enrolled again before.
_TOKEN_SECONDS: Final = 90 * 86_400


@command("enroll")
@click.option("--state", type=_PATH, required=True, help="The Runner's folder.")
@click.option("--id", "runner", default="runner-1", show_default=True, help="Its id.")
@click.option("--url", help="The Control Plane's address, if not the login's.")
@click.option("--workspace", metavar="NAME", help="The workspace, if not the login's.")
@click.option("--root", type=_PATH, help="The root to pin, if not the login's.")
@click.option("--token-file", type=_PATH, help="An admin's token, if not the login's.")
def enroll(
    session: Session,
    *,
    state: Path,
    runner: str,
    url: str | None,
    workspace: str | None,
    root: Path | None,
    token_file: Path | None,
) -> None:
    """Make a Runner's key in its folder, and register it with permission to report."""
    login = _login(session, url, workspace, root, token_file)
    store = open_pinned(session, login)
    first = read_given(root, max_bytes=MAX_ROOT_BYTES) if root else store.root
    home = RunnerHome(state)
    home.prepare(first)
    store.pin(first)
    key = open_runner_key(home.state, home.make_passphrase())
    api = open_client_at(session, login.url, login.token).workspace(login.workspace)
    proposed = _register(session, login, api, runner, key)
    if proposed is not None:
        value = {"runner": runner, "enrolled": False, **proposed.to_json()}
        session.output.result(value, lambda: "proposed\n" + reviewed_text(proposed))
        session.output.hint("once the admins approved it, run the same command again")
        return
    wanted = {"role": "runner", "subject": runner, "ttl_seconds": _TOKEN_SECONDS}
    made = api.post("/tokens", wanted)
    home.commit(Enrolment(runner, login.url, login.workspace), text_of(made, "token"))
    value = {
        "runner": runner,
        "state": str(state),
        "workspace": login.workspace,
        "root": str(login.root),
        "key_id": key.public_key.key_id,
    }
    text = pairs([(name.replace("_", " "), text) for name, text in value.items()])
    session.output.result(value, f"enrolled\n{text}")
    session.output.hint("a release made before this is for older trust: release again")


def _login(
    session: Session,
    url: str | None,
    workspace: str | None,
    root: Path | None,
    token_file: Path | None,
) -> Login:
    """Return a login from options, each of which the person's own stands in for."""
    if url and workspace and root and token_file:
        first = read_given(root, max_bytes=MAX_ROOT_BYTES)
        token = read_token(token_file)
        return Login(workspace, url.rstrip("/"), Digest.of(first), token, None)
    if url or root or token_file:
        raise UsageError(
            "expected --url, --workspace, --root and --token-file together, got some",
            hint="or log in first, and name none of them",
        )
    return session.login(workspace)


def _register(
    session: Session, login: Login, api: WorkspaceApi, runner: str, key: SigningKey
) -> Reviewed | None:
    """Register the Runner's key, unless an earlier try did; return what was proposed.

    In the sovereign form admins decide, and somebody enrolls again afterwards.
    """
    at = session.clock()
    pinned = open_pinned(session, login).refresh(at=at)
    try:
        known = pinned.trust.policy.identity_by_key(key.public_key.key_id)
    except UnknownSignerError:
        known = None
    if known is not None:
        if known.id != runner:
            raise UsageError(f"expected --id {known.id}, as registered, got {runner}")
        return None
    terms = IdentityTerms(
        id=runner,
        principal=runner,
        custody=Custody.EXTERNAL,
        permissions=frozenset({"report"}),
        namespaces=frozenset({ANY_NAMESPACE}),
        not_before=at,
        not_after=at + timedelta(days=IDENTITY_DAYS),
    )
    proof = prove(
        terms,
        key=key,
        api=api,
        workspace=pinned.view.workspace,
        show=lambda statement: session.output.say(statement_text(statement)),
    )
    accepted = check_proof(proof, trust=pinned.trust, at=session.clock())
    if pinned.view.form is Form.SOVEREIGN:
        desk = open_desk_at(session, login)
        return propose(desk, registration(accepted, proof))
    api.post("/identities", proof.to_request())
    return None
