# SPDX-License-Identifier: Apache-2.0
"""``trustacks status``: what answers, what is enforced, and what expires when.

What the Control Plane says of itself is shown as such; the active revision, the form of
trust and the expiries come from metadata that was verified from the pin.
"""

from typing import Any, Final

from keys.clock import format_instant
from keys.errors import TrustacksError
from keys.public import PublicKey
from signer.errors import UnknownSignerError
from trustacks._cli.config import Login
from trustacks._cli.connect import open_client, open_pinned
from trustacks._cli.keyring import find_key, public_half
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.notes import form_note
from trustacks._cli.output import pairs
from trustacks._cli.session import Session
from trustacks.answers import items_of, optional_of, text_of
from trustacks.client import Client
from trustacks.lives import Life, lives_of
from trustacks.pinned import Head, Pinned

_FORMS: Final = {
    "awskms": "key of AWS KMS",
    "encfile": "encrypted file",
    "pkcs11": "key of a token",
}


@command("status")
@workspace_option
def status(session: Session, workspace: str | None) -> None:
    """Show health, active revision, form of trust, Runners, key and expiries."""
    login = session.login(workspace)
    client = open_client(session, login)
    ready = text_of(client.get("/readyz"), "status")
    who = client.get("/v1/whoami")
    at = session.clock()
    store = open_pinned(session, login)
    pinned = store.refresh(at=at)
    head = pinned.head(at=at)
    roles = {"root": pinned.view.root_expires, **store.expiries()}
    lives = lives_of(roles, head.release if head else None, at=at)
    value = {
        "control_plane": {"url": login.url, "status": ready},
        "caller": {"subject": text_of(who, "subject"), "role": text_of(who, "role")},
        "workspace": {"name": login.workspace, "root": str(pinned.view.workspace)},
        "form": str(pinned.view.form),
        "revision": pinned.view.revision,
        "expires": _expires(pinned, head),
        "lives": {life.what: life.to_json() for life in lives},
        "runners": _runners(client, login),
        "key": _key(session, pinned),
    }
    session.output.result(value, lambda: _text(value))
    for life in lives:
        if life.due:
            _warn(session, life)


def _warn(session: Session, life: Life) -> None:
    ends = format_instant(life.expires)
    session.output.say(f"{life.what}: more than half of its life is over; until {ends}")
    session.output.hint(life.hint)


def _expires(pinned: Pinned, head: Head | None) -> dict[str, str | None]:
    view = pinned.view
    return {
        "root": format_instant(view.root_expires),
        "targets": format_instant(view.targets_expires),
        "release": format_instant(head.release.expires) if head else None,
    }


def _runners(client: Client, login: Login) -> list[dict[str, Any]]:
    answer = client.workspace(login.workspace).get("/runners")
    names = ("runner", "outcome", "code", "revision", "at")
    return [{n: optional_of(item, n) for n in names} for item in items_of(answer)]


def _key(session: Session, pinned: Pinned) -> dict[str, Any] | None:
    """Describe the key that signs by default, if there is exactly one."""
    try:
        place = find_key(session, None)
        # A bare URI would ask a KMS, or a person for a PIN.
        public = public_half(session, None) if place.noted else None
    except TrustacksError:
        return None
    form = _FORMS.get(place.uri.partition(":")[0], "key")
    identity = _identity(pinned, public) if public else None
    return {
        "uri": place.uri,
        "form": form,
        "key_id": public.key_id if public else None,
        "identity": identity,
    }


def _identity(pinned: Pinned, public: PublicKey) -> dict[str, str] | None:
    try:
        found = pinned.trust.policy.identity_by_key(public.key_id)
    except UnknownSignerError:
        return None
    return {"id": found.id, "custody": str(found.custody)}


def _text(value: dict[str, Any]) -> str:
    plane, who, workspace = value["control_plane"], value["caller"], value["workspace"]
    release = value["expires"]["release"]
    revision = value["revision"]
    active = f"{revision}, until {release}" if revision else "none: Runners deny"
    rows = [
        ("control plane", f"{plane['status']} at {plane['url']}"),
        ("you are", f"{who['subject']} ({who['role']})"),
        ("workspace", f"{workspace['name']} {workspace['root']}"),
        ("form of trust", form_note(value["form"])),
        ("active revision", active),
        *[(what, _until(life)) for what, life in value["lives"].items()],
        *[(f"runner {one['runner']}", _runner(one)) for one in value["runners"]],
        ("key", _key_text(value["key"])),
    ]
    return pairs(rows)


def _until(life: dict[str, Any]) -> str:
    return f"until {life['expires']}, {life['seconds']} seconds"


def _runner(one: dict[str, Any]) -> str:
    if not one["outcome"]:
        return "enrolled, no report yet"
    code = f" [{one['code']}]" if one["code"] else ""
    return f"{one['outcome']}{code}, revision {one['revision']}, at {one['at']}"


def _key_text(key: dict[str, Any] | None) -> str:
    if key is None:
        return "none chosen"
    identity = key["identity"]
    if identity:
        said = f"identity {identity['id']}, custody {identity['custody']}"
    else:
        said = "not registered" if key["key_id"] else "not asked for its public half"
    return f"{key['form']} {key['uri']}; {said}"
