# SPDX-License-Identifier: Apache-2.0
"""``trustacks sigstore``: what Sigstore's own clients need to sign in a workspace.

The files are for any client of Sigstore, ``cosign`` and ``sigstore`` among them; the
token is for whoever has no browser at hand.
"""

from pathlib import Path
from typing import Any, Final

import click

from keys.errors import UsageError
from keys.record import record
from keys.strict import dumps_json, loads_json
from signer.keyless.limits import MAX_SIGNING_CONFIG_BYTES
from signer.keyless.signing_config import SigningConfig
from signer.limits import MAX_TRUSTED_ROOT_BYTES
from signer.trust import Trust
from trustacks._cli.connect import open_client, open_pinned
from trustacks._cli.files import refuse_unwritable, write_new
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.session import Session
from trustacks.answers import text_of
from trustacks.client import Client, WorkspaceApi
from trustacks.public_good import PublicGood
from trustacks.signing_config import require_pinned

_EXCHANGE: Final = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
}
_out_option = click.option(
    "--out", type=click.Path(path_type=Path), help="Write it there instead."
)


_good_option = click.option(
    "--public-good",
    is_flag=True,
    help="That of the public-good instance, by TUF; needs no login.",
)


@command("trusted-root")
@_good_option
@click.option(
    "--of-server",
    is_flag=True,
    help="Of the server's own instance, to be pinned: trustacks trust instance add.",
)
@_out_option
@workspace_option
def trusted_root(
    session: Session,
    *,
    public_good: bool,
    of_server: bool,
    out: Path | None,
    workspace: str | None,
) -> None:
    """Print the workspace's TrustedRoot, as its admins signed it: for verifying."""
    if public_good and of_server:
        raise UsageError("expected --public-good or --of-server, got both")
    if public_good:
        fetched = PublicGood.fetch(session.home / "public-good").trusted_root
        _print(session, loads_json(fetched, max_bytes=MAX_TRUSTED_ROOT_BYTES), out)
        return
    login = session.login(workspace)
    if of_server:
        session.output.say("this is the server's word: nobody has signed it")
        answer = open_client(session, login).get("/v1/sigstore/trusted-root")
        _print(session, answer, out)
        return
    found = open_pinned(session, login).refresh(at=session.clock()).trusted_root
    _print(session, loads_json(found, max_bytes=MAX_TRUSTED_ROOT_BYTES), out)


@command("signing-config")
@_good_option
@_out_option
@workspace_option
def signing_config(
    session: Session, *, public_good: bool, out: Path | None, workspace: str | None
) -> None:
    """Print the workspace's SigningConfig, compared with its trust: for signing."""
    if public_good:
        fetched = PublicGood.fetch(session.home / "public-good").signing_config
        SigningConfig.parse(fetched)
        _print(session, loads_json(fetched, max_bytes=MAX_SIGNING_CONFIG_BYTES), out)
        return
    login = session.login(workspace)
    api = open_client(session, login).workspace(login.workspace)
    trust = open_pinned(session, login).refresh(at=session.clock()).trust
    answer = pinned_config(api, trust).document
    _print(session, answer, out)


@record
class PinnedConfig:
    """The SigningConfig that a Control Plane names, of an instance that is pinned.

    Attributes:
        services: What it says.
        issuers: Those that the instance may speak for.
        document: As it was answered.
    """

    services: SigningConfig
    issuers: frozenset[str]
    document: Any


def pinned_config(api: WorkspaceApi, trust: Trust) -> PinnedConfig:
    """Return the SigningConfig that the Control Plane names.

    Raises:
        SigningConfigUntrustedError: It leads elsewhere than the pinned trust says.
        ControlPlaneRefusalError: The Control Plane has no instance of its own.
    """
    answer = api.get("/sigstore/signing-config")
    config = SigningConfig.parse(dumps_json(answer))
    issuers = require_pinned(config, trust.policy, trust.trusted_root)
    return PinnedConfig(config, issuers, answer)


@command("token")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write it there, mode 0600."
)
@workspace_option
def token(session: Session, out: Path | None, workspace: str | None) -> None:
    """Print an identity token of the login's account: it signs for five minutes."""
    if out:
        refuse_unwritable(out)
    login = session.login(workspace)
    client = open_client(session, login)
    made = account_token(client, login.token)
    if out is None:
        session.output.result({"identity_token": made}, made)
        return
    # No newline behind it: cosign sends all that is in the file.
    write_new(out, made.encode(), mode=0o600)
    session.output.result({"file": str(out)}, f"identity token: {out}")


def account_token(client: Client, token: str) -> str:
    """Return an identity token of the account that an API token belongs to.

    Raises:
        ControlPlaneRefusalError: The Control Plane is no issuer, or gives none.
    """
    answer = client.form("/oidc/token", {**_EXCHANGE, "subject_token": token})
    return text_of(answer, "id_token")


def _print(session: Session, document: Any, out: Path | None) -> None:
    data = dumps_json(document)
    if out is None:
        session.output.result(document, data.decode())
        return
    refuse_unwritable(out)
    write_new(out, data)
    session.output.result({"file": str(out)}, f"written: {out}")
