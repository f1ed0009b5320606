# SPDX-License-Identifier: Apache-2.0
"""A person who logs in at a Control Plane: reads the page, types, presses the button.

As ``xdg-open`` on somebody's PATH it is the browser that cosign opens.
"""

import html
import re
import stat
import sys
from pathlib import Path
from urllib.parse import urljoin

import httpx

ROOT = Path(__file__).parents[3]
_FIELD = re.compile(r'<input (?:type="hidden" )?name="([^"]+)" value="([^"]*)"')
_ACTION = re.compile(r'<form method="post" action="([^"]+)"')


def log_in(url: str, token: str) -> str:
    """Open a page of a login, fill its form in, and return the page that follows."""
    with httpx.Client(follow_redirects=True, timeout=30, trust_env=False) as http:
        page = http.get(url).raise_for_status().text
        action = _ACTION.search(page)
        assert action is not None, page
        fields = {name: html.unescape(value) for name, value in _FIELD.findall(page)}
        filled = {**fields, "api_token": token}
        answer = http.post(urljoin(url, html.unescape(action[1])), data=filled)
        return answer.raise_for_status().text


def install_browser(folder: Path, token: Path) -> Path:
    """Put a browser of whoever has a token on a PATH of its own; return the folder."""
    folder.mkdir()
    opener = folder / "xdg-open"
    # As a desktop's does, it returns before the page is read.
    opener.write_text(
        f'#!/bin/sh\ncd "{ROOT}" && "{sys.executable}" -m '
        f'tests.interop.peers.browser "{token}" "$1" >/dev/null 2>&1 &\n'
    )
    opener.chmod(opener.stat().st_mode | stat.S_IXUSR)
    return folder


if __name__ == "__main__":
    log_in(sys.argv[2], Path(sys.argv[1]).read_text().strip())
