# SPDX-License-Identifier: Apache-2.0
"""What a pull request calls itself never becomes markup in its own summary."""

import json
import re
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bundle.finding import Finding
from trustacks.review.changes import Changed
from trustacks.review.compared import Compared
from trustacks.review.judge import Reviewed
from trustacks.review.markdown import quoted, to_markdown
from trustacks.review.review import Review

HOSTILE = (
    "[click](https://example.com)",
    "![x](https://example.com/x.png)",
    "<img src=x onerror=alert(1)>",
    "</code></td></table><script>x</script>",
    "</details>\n\n# Approved\n\n",
    "`a` | b | **c** |",
    "``` \n# Approved\n```",
    "a\r\n\r\n| **passed** |",
    "@everyone #1 https://example.com www.example.com",
    "\\`<b>x</b>\\`",
    "\x1b[2J\u202e\u200b\u2028# x",
    "$`x`$ :tada: ~~x~~ &lt;b&gt;",
    "<!-- -->",
    "=====",
    "",
    " ",
    "`",
    "|",
    "\\",
)
MARKDOWN = MarkdownIt("gfm-like", {"linkify": False}).enable("table")


def review(text, witness=None):
    old = SimpleNamespace(approvals=())
    reviewed = Reviewed(
        changed=Changed(text, "changed", old, old),
        compared=Compared("looser", text, witness or {text: text}),
        attestation="signed",
        test=None,
        lint=None,
        findings=(),
    )
    finding = Finding(text, text, 1, 1, text, text)
    return Review("0" * 40, (reviewed,), (finding,))


def shape(text):
    """Return what a summary is made of, without the words in its quotations."""
    shown = []
    for token in MARKDOWN.parse(text):
        if token.type == "inline":
            shown.append([_kind(child) for child in token.children])
        elif token.type == "html_block":
            shown.append(re.sub(r"<code>[^<]*</code>", "<code/>", token.content))
        else:
            shown.append(token.type)
    return shown


def _kind(token):
    return token.content if token.type in ("text", "html_inline") else token.type


def normal(shown):
    """Fold a quotation's form in character references into the one in backticks."""
    return [_folded(one) if isinstance(one, list) else one for one in shown]


def _folded(kinds):
    folded, inside = [], False
    for kind in kinds:
        if kind == "<code>":
            assert not inside
            inside = True
            folded.append("code_inline")
        elif kind == "</code>":
            inside = False
        elif not inside:
            folded.append(kind)
    return folded


@pytest.mark.parametrize("text", HOSTILE)
def test_a_summary_has_the_same_shape_whatever_the_texts_say(text):
    assert (
        normal(shape(to_markdown(review(text))))
        == normal(shape(to_markdown(review("acme.ordinary"))))
        or not text.strip()
    )


@given(st.text(max_size=40))
def test_a_quotation_is_one_code_span_and_nothing_else(text):
    tokens = MARKDOWN.parse(f"a {quoted(text)} b")
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]  # fmt: skip
    kinds = normal([[_kind(child) for child in tokens[1].children]])
    if text.split():
        assert kinds == [["a ", "code_inline", " b"]], quoted(text)


@given(st.text(max_size=40))
def test_a_quotation_fits_in_one_cell_of_a_table(text):
    html = MARKDOWN.render(f"| a | b |\n|---|---|\n| {quoted(text)} | end |\n")
    assert html.count("<td>") == 2
    assert html.count("<tr>") == 2
    assert "<td>end</td>" in html


@given(st.text(max_size=60))
def test_a_quotation_shows_what_was_written(text):
    html = MARKDOWN.renderInline(quoted(text))
    shown = re.fullmatch(r"<code>(.*)</code>|none", html, re.DOTALL)
    assert shown, html
    assert "<" not in (shown[1] or "")


@pytest.mark.parametrize("text", ["```", "`````", "a\n````json\nb", "</details>"])
def test_an_input_stays_in_its_fence(text):
    witness = {"a": text, text: 1}
    tokens = MARKDOWN.parse(to_markdown(review("acme.a", witness)))
    (fence,) = [token for token in tokens if token.type == "fence"]
    assert json.loads(fence.content) == witness


def test_long_texts_inputs_and_lists_are_cut_and_say_so():
    assert len(quoted("a" * 10_000)) < 400
    assert len(quoted("|" * 10_000)) < 3_000
    said = to_markdown(review("acme.a", {"a": "b" * 100_000}))
    assert "characters; --json has all" in said
    one = review("acme.a")
    many = Review("0" * 40, one.rules * 1_000, one.findings * 1_000)
    text = to_markdown(many)
    assert "and 900 rules more" in text
    assert "and 950 findings more" in text
    assert len(text) < 1024 * 1024


@pytest.mark.parametrize("text", ["|" * 500, "\U0001f600`" * 250, "\x00" * 500])
def test_the_largest_summary_fits_into_a_step(text):
    one = review(text, {"a": "`" * 100_000})
    many = Review("0" * 40, one.rules * 1_000, one.findings * 1_000)
    assert len(to_markdown(many).encode()) < 1024 * 1024
