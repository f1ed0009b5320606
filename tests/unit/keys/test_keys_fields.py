# SPDX-License-Identifier: Apache-2.0
"""A document is read field by field; what is missing, odd or unread is refused."""

from datetime import UTC, datetime

import pytest

from keys.digest import Digest
from keys.errors import Base64FormatError, FieldFormatError
from keys.fields import MAX_ITEMS, MAX_TEXT_CHARS, Fields

DIGEST = Digest.of(b"x")


def fields(**values) -> Fields:
    return Fields(values, "thing")


@pytest.mark.parametrize("value", [None, [], "text", 3, True])
def test_anything_but_an_object_is_refused(value):
    with pytest.raises(FieldFormatError, match="thing: expected an object"):
        Fields(value, "thing")


def test_every_reader_returns_its_type():
    read = fields(
        t="a", e="", o="x", i=0, b=False, d=str(DIGEST), at="2026-01-31T09:00:00Z",
        n=None, m={"k": 1}, l=[1], ts=["a", "b"], os=[{}], raw="YQ==",
    )  # fmt: skip

    assert read.text("t") == "a"
    assert read.text("e", empty=True) == ""
    assert read.one_of("o", ("x", "y")) == "x"
    assert read.constant("o", "x") == "x"
    assert read.integer("i") == 0
    assert read.boolean("b") is False
    assert read.digest("d") == DIGEST
    assert read.instant("at") == datetime(2026, 1, 31, 9, tzinfo=UTC)
    assert read.is_null("n")
    assert not read.is_null("t")
    assert read.mapping("m") == {"k": 1}
    assert read.items("l") == [1]
    assert read.texts("ts") == ("a", "b")
    assert [one.where for one in read.objects("os")] == ["thing.os[0]"]
    assert read.base64("raw", max_bytes=1) == b"a"
    assert read.object("m").where == "thing.m"
    assert (read.has("t"), read.has("z")) == (True, False)
    read.done()


REFUSED = {
    "a number for a text": lambda f: f.text("i"),
    "an empty text": lambda f: f.text("e"),
    "another constant": lambda f: f.constant("t", "b"),
    "none of the choices": lambda f: f.one_of("t", ("b", "c")),
    "a truth for a number": lambda f: f.integer("b"),
    "a number below the least": lambda f: f.integer("i", minimum=1),
    "a number for a truth": lambda f: f.boolean("i"),
    "a text for a list": lambda f: f.items("t"),
    "a list for an object": lambda f: f.object("l"),
    "a list for a mapping": lambda f: f.mapping("l"),
    "numbers for texts": lambda f: f.texts("l"),
    "an empty text among texts": lambda f: f.texts("le"),
    "a text twice": lambda f: f.texts("twice"),
    "numbers for objects": lambda f: f.objects("l"),
    "a missing field": lambda f: f.text("z"),
    "a missing field that may be null": lambda f: f.is_null("z"),
    "a digest of another algorithm": lambda f: f.digest("md5"),
    "a digest in upper case": lambda f: f.digest("upper"),
    "a date for an instant": lambda f: f.instant("date"),
    "an instant with an offset": lambda f: f.instant("offset"),
    "an instant that is none": lambda f: f.instant("never"),
    "an instant and a newline": lambda f: f.instant("newline"),
    "more bytes than allowed": lambda f: f.base64("raw", max_bytes=1),
}


@pytest.mark.parametrize(
    "read", [pytest.param(read, id=name) for name, read in REFUSED.items()]
)
def test_a_field_of_another_kind_is_refused(read):
    given = fields(
        t="a", e="", i=0, b=True, l=[1], le=[""], twice=["a", "a"],
        md5="md5:" + "0" * 32, upper=f"sha256:{DIGEST.hex.upper()}",
        date="2026-01-31", offset="2026-01-31T09:00:00+00:00", raw="YWE=",
        never="2026-02-30T09:00:00Z", newline="2026-01-31T09:00:00Z\n",
    )  # fmt: skip

    with pytest.raises(FieldFormatError) as refused:
        read(given)

    assert refused.value.code == "field-format"


def test_base64_is_canonical_here_too():
    with pytest.raises(Base64FormatError):
        fields(raw="YR==").base64("raw", max_bytes=9)


def test_a_field_that_nobody_asked_for_is_refused_by_name():
    given = fields(a="1", b="2")
    given.text("a")

    with pytest.raises(FieldFormatError, match="thing: unknown field b"):
        given.done()


def test_asking_whether_a_field_is_there_does_not_read_it():
    given = fields(a="1")
    given.has("a")

    with pytest.raises(FieldFormatError):
        given.done()


def test_texts_lists_and_mappings_are_bounded():
    long, many = "x" * MAX_TEXT_CHARS, list(range(MAX_ITEMS))
    keyed = dict.fromkeys(map(str, many))

    assert fields(t=long).text("t") == long
    assert fields(l=many).items("l") == many
    assert fields(m=keyed).mapping("m") == keyed
    for read in (
        lambda: fields(t=long + "x").text("t"),
        lambda: fields(l=[*many, 0]).items("l"),
        lambda: fields(m=keyed | {"x": 1}).mapping("m"),
    ):
        with pytest.raises(FieldFormatError):
            read()
