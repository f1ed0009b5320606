# SPDX-License-Identifier: Apache-2.0
"""The pages of a login: plain, without a script, everything that is shown escaped."""

from collections.abc import Mapping
from html import escape
from typing import Final
from urllib.parse import urlsplit

_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>trustacks: {title}</title>
<h1>{title}</h1>
{body}
</html>
"""
_FORM: Final = """<p>{said}</p>
<form method="post" action="{action}" autocomplete="off">
{fields}<p><label>API token <input type="password" name="api_token" required></label>
<p><button>Log in</button>
</form>"""
_CODE_FIELD: Final = (
    '<p><label>Code on the device <input name="user_code" value="{}" required></label>'
    "\n"
)


def login_page(
    action: str, carried: Mapping[str, str], *, failure: str | None = None
) -> str:
    """Return the page where somebody gives their API token.

    Args:
        action: Where the form goes.
        carried: The login request.
        failure: Why the last try did not do.
    """
    fields = "".join(_hidden(name, value) for name, value in carried.items())
    said = failure or "A program on this machine asks who you are, to sign as you."
    return _page("Log in to sign", _form(action, fields, said))


def device_page(action: str, user_code: str, *, failure: str | None = None) -> str:
    """Return the page where somebody lets a device be them."""
    said = failure or (
        "A device asks who you are, to sign as you. Go on only if you began this "
        "yourself, and it shows this code."
    )
    fields = _CODE_FIELD.format(escape(user_code[:32]))
    return _page("Log in a device", _form(action, fields, said))


def code_page(code: str) -> str:
    """Return the page that shows a code, for a program that cannot be redirected to."""
    return _page(
        "Logged in",
        f"<p>Copy this code to the program that asked:</p>\n"
        f"<pre>{escape(code)}</pre>\n",
    )


def done_page(mailbox: str) -> str:
    """Return the page after a device was let in."""
    return _page(
        "Logged in", f"<p>The device signs as {escape(mailbox)}. Close this page.</p>\n"
    )


def headers(redirect: str | None = None) -> dict[str, str]:
    """Return what a page is sent with: nothing runs, frames, refers or is kept.

    Args:
        redirect: Where its form may lead, besides here.
    """
    target = ""
    if redirect is not None and redirect.startswith("http://"):
        target = f" http://{urlsplit(redirect).netloc}"
    return {
        "content-security-policy": (
            f"default-src 'none'; form-action 'self'{target}; base-uri 'none'; "
            "frame-ancestors 'none'"
        ),
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }


def _page(title: str, body: str) -> str:
    return _PAGE.format(title=escape(title), body=body)


def _form(action: str, fields: str, said: str) -> str:
    return _FORM.format(action=escape(action), fields=fields, said=escape(said))


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">\n'
