# SPDX-License-Identifier: Apache-2.0
"""A pattern of subjects that can be built means what it says, and nothing more."""

import re

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from signer.errors import UnsafeSubjectError
from signer.limits import MAX_SUBJECT_CHARS
from signer.subject_pattern import SubjectPattern

WORKFLOW = "https://github.com/acme/overlay/.github/workflows/release.yml"
TAGS = (
    r"^https://github\.com/acme/overlay/\.github/workflows/release\.yml"
    r"@refs/tags/v[0-9]+\.[0-9]+$"
)
UNSAFE = {
    "everything": "^.*$",
    "anything": "^.+$",
    "no begin": r"https://ci\.example\.com/acme/x$",
    "no end": r"^https://ci\.example\.com/acme/x",
    "no end but an escaped one": r"^https://ci\.example\.com/acme/x\$",
    "neither": r"https://ci\.example\.com/acme/x",
    "empty": "",
    "empty between": "^$",
    "dot": r"^https://ci\.example\.com/acme/x.yml$",
    "group": r"^https://ci\.example\.com/acme/(x)$",
    "alternative": r"^https://ci\.example\.com/acme/x|y$",
    "nested": r"^https://ci\.example\.com/acme/([a-z]+)+$",
    "twice repeated": r"^https://ci\.example\.com/acme/[a-z]++$",
    "may be nothing": r"^https://ci\.example\.com/acme/[a-z]*$",
    "may be left out": r"^https://ci\.example\.com/acme/[a-z]?$",
    "from to": r"^https://ci\.example\.com/acme/[a-z]{1,3}$",
    "none of": r"^https://ci\.example\.com/acme/[a-z]{0}$",
    "runs on": r"^https://ci\.example\.com/acme/[a-z]+[a-z]+x$",
    "runs into text": r"^https://ci\.example\.com/acme/[a-z]+main$",
    "negated class": r"^https://ci\.example\.com/acme/[^x]+$",
    "class of a separator": r"^https://ci\.example\.com/acme/[a-z/]+$",
    "class of an at sign": r"^https://ci\.example\.com/acme/[a-z@]+$",
    "empty class": r"^https://ci\.example\.com/acme/[]$",
    "open class": r"^https://ci\.example\.com/acme/[a-z$",
    "backward range": r"^https://ci\.example\.com/acme/[z-a]$",
    "range over kinds": r"^https://ci\.example\.com/acme/[A-z]$",
    "range of signs": r"^https://ci\.example\.com/acme/[.-9]$",
    "escaped letter": r"^https://ci\.example\.com/acme/\d$",
    "any host": r"^https://[a-z]+\.example\.com/acme/x$",
    "any owner": r"^https://github\.com/[a-z]+/overlay$",
    "owner's beginning": r"^https://github\.com/acme-[a-z]+/overlay$",
    "any domain": r"^jane@[a-z]+\.com$",
    "two at signs": r"^[a-z]+@x@example\.com$",
    "a mailbox with a path": r"^[a-z]+/x@example\.com$",
    "a bare name": r"^runner-[0-9]+$",
    "space": r"^https://ci\.example\.com/acme/a b$",
    "line": "^https://ci\\.example\\.com/acme/a$\n",
    "too long spelled out": r"^https://ci\.example\.com/acme/" + "[a-z]{999}" * 2 + "$",
}


@pytest.mark.parametrize(
    "text", [pytest.param(text, id=name) for name, text in UNSAFE.items()]
)
def test_a_pattern_that_could_surprise_cannot_be_built(text):
    with pytest.raises(UnsafeSubjectError) as refused:
        SubjectPattern.anchored(text)
    assert refused.value.code == "unsafe-subject"


@pytest.mark.parametrize(
    ("pattern", "subject", "meant"),
    [
        (TAGS, f"{WORKFLOW}@refs/tags/v1.20", True),
        (TAGS, f"{WORKFLOW}@refs/tags/v1.", False),
        (TAGS, f"{WORKFLOW}@refs/tags/v1.2.3", False),
        (TAGS, f"{WORKFLOW}@refs/tags/v1.2\n", False),
        (TAGS, f"x{WORKFLOW}@refs/tags/v1.2", False),
        (TAGS, f"{WORKFLOW}@refs/heads/main", False),
        (r"^[a-z.]+@example\.com$", "jane.doe@example.com", True),
        (r"^[a-z.]+@example\.com$", "jane@example.com.evil.org", False),
        (r"^[a-z.]+@example\.com$", "jane@exampleXcom", False),
        (r"^[a-z.]+@example\.com$", "@example.com", False),
        (r"^https://h/a/[0-9a-f]{4}$", "https://h/a/0f3e", True),
        (r"^https://h/a/[0-9a-f]{4}$", "https://h/a/0f3", False),
        (r"^https://h/a/[0-9a-f]{4}$", "https://h/a/0f3e1", False),
        (r"^https://h/a/[b-]+$", "https://h/a/b-b", True),
        (r"^https://h/a/x\+$", "https://h/a/x+", True),
        (r"^https://h/a/x$", "https://h/a/x", True),
        ("^jane$", "jane", True),
    ],
)
def test_a_pattern_means_whole_subjects(pattern, subject, meant):
    assert SubjectPattern.anchored(pattern).matches(subject) is meant


def test_a_subject_means_itself_only():
    exact = SubjectPattern.exactly(f"{WORKFLOW}@refs/heads/main")

    assert exact.matches(f"{WORKFLOW}@refs/heads/main")
    assert not exact.matches(f"{WORKFLOW}@refs/heads/main2")
    assert not SubjectPattern.exactly("^.*$").matches("jane")


@pytest.mark.parametrize("text", ["", "jane doe", "jane\n", "jané@example.com", "\0"])
def test_a_subject_is_printable_ascii(text):
    with pytest.raises(UnsafeSubjectError):
        SubjectPattern.exactly(text)


def test_a_subject_has_a_bound():
    assert SubjectPattern.exactly("a" * MAX_SUBJECT_CHARS)
    with pytest.raises(UnsafeSubjectError):
        SubjectPattern.exactly("a" * (MAX_SUBJECT_CHARS + 1))


ITEMS = st.sampled_from(
    ["a", "b", "-", r"\.", "[a-c]", "[a-c]+", "[0-9]+", "[x.]", "b+", "[ab]{2}", "/"]
)
PATTERNS = st.lists(ITEMS, min_size=1, max_size=8).map(
    lambda items: f"^https://h/a/{''.join(items)}$"
)
TEXTS = st.text(alphabet="abc.-x09/", max_size=10).map("https://h/a/".__add__)


def built(text: str) -> SubjectPattern:
    try:
        return SubjectPattern.anchored(text)
    except UnsafeSubjectError:
        reject()


@given(PATTERNS, TEXTS)
def test_other_readers_of_regular_expressions_agree(pattern, subject):
    peers = re.compile(pattern[1:-1])

    assert built(pattern).matches(subject) == bool(peers.fullmatch(subject))


@given(PATTERNS, PATTERNS, TEXTS)
def test_what_two_patterns_mean_they_overlap_in(left, right, subject):
    one, other = built(left), built(right)

    assert one.overlaps(other) == other.overlaps(one)
    assert one.overlaps(one)
    if one.matches(subject) and other.matches(subject):
        assert one.overlaps(other)
    assert one.overlaps(SubjectPattern.exactly(subject)) == one.matches(subject)


@pytest.mark.parametrize(
    ("left", "right", "overlap"),
    [
        ("[a-c]+", "[c-f]+", True),
        ("[a-c]+", "[d-f]+", False),
        ("[a-c]{2}", "[a-c]{3}", False),
        ("[a-c]+", "[a-c]{3}", True),
        ("[a-c]+-x", "[a-c]+-[0-9]+", False),
        ("a+b+", "[ab]{3}", True),
    ],
)
def test_overlaps_are_decided(left, right, overlap):
    one, other = (SubjectPattern.anchored(f"^https://h/a/{t}$") for t in (left, right))

    assert one.overlaps(other) is overlap


MARKS = r"^$[]a-z+{2}\/.:@"


@given(st.text(max_size=40) | st.text(alphabet=MARKS, max_size=40).map("^a:/".__add__))
def test_any_text_is_read_or_refused(text):
    try:
        pattern = SubjectPattern.anchored(text)
    except UnsafeSubjectError:
        return
    assert text[0] == "^"
    assert text[-1] == "$"
    assert re.compile(text)
    assert not pattern.matches(text + "\n")
