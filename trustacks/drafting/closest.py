# SPDX-License-Identifier: Apache-2.0
"""The template that is most like a wish: words in common, and no more cleverness."""

import re
from typing import Final

from bundle.rego.templates import EMPTY, NAMES, render

_WORD: Final = re.compile(r"[a-z]{3,}")
# Words of any wish.
_COMMON: Final = """
    all and any are but can change changes deny denies every for from has have its
    must need needs never not nor only one our out rule rules should that the their
    them there they this under until was when where which who will with without
"""
_STOP: Final = frozenset(_COMMON.split())
_ID: Final = "acme.rule"


def closest_template(words: str) -> str:
    """Return the name of the template with the most words of a wish; else the empty."""
    wish = _words(words)
    scores = {name: len(wish & _said(name)) for name in NAMES if name != EMPTY}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] else EMPTY


def _said(name: str) -> set[str]:
    rule, test = render(name, _ID)
    comments = (line for line in rule.splitlines() if line.startswith(("#", '\t"')))
    named = (line for line in test.splitlines() if line.startswith("test_"))
    return _words(" ".join([name, *comments, *named]).replace("_", " "))


def _words(text: str) -> set[str]:
    """Return the words of a text, without the ends that grammar gives them."""
    found = _WORD.findall(text.lower())
    return {_stem(word) for word in found if word not in _STOP}


def _stem(word: str) -> str:
    for end in ("ments", "ment", "ings", "ing", "als", "al", "ers", "er", "es", "ed"):
        if word.endswith(end) and len(word) > len(end) + 3:
            return word.removesuffix(end)
    return word.removesuffix("s")
