# SPDX-License-Identifier: Apache-2.0
"""Signed notes and checkpoints: what the log's key signed, and nothing else."""

import hashlib

import pytest

from keys.errors import LimitExceededError
from keys.strict import b64encode
from signer.tlog.checkpoint import (
    Checkpoint,
    open_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from signer.tlog.errors import (
    CheckpointSignatureError,
    NoteFormatError,
    WrongLogError,
)
from signer.tlog.limits import MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES, MAX_TREE_SIZE
from signer.tlog.note import full_key_hash, parse_note, sign_note, verify_note
from tests.simulators.memory_key import MemoryKey

ORIGIN = "acme.log.example"
KEY = MemoryKey.ed25519()
HEAD = Checkpoint(ORIGIN, 7, bytes(range(32)))
RAW = sign_checkpoint(HEAD, key=KEY)
TEXT = HEAD.to_text()
DASH = "\N{EM DASH}"


def signed(text: str, name: str = ORIGIN, key: MemoryKey = KEY) -> bytes:
    """Sign any text, as a hostile log would."""
    signature = full_key_hash(name, key.public_key)[:4] + key.sign(text.encode())
    return f"{text}\n{DASH} {name} {b64encode(signature)}\n".encode()


def opened(raw: bytes, origin: str = ORIGIN, key: MemoryKey = KEY) -> Checkpoint:
    return open_checkpoint(raw, origin=origin, key=key.public_key)


def test_a_checkpoint_is_opened_as_it_was_signed():
    assert opened(RAW) == HEAD


def test_equal_heads_have_equal_bytes():
    assert sign_checkpoint(HEAD, key=KEY) == RAW


def test_the_key_id_is_that_of_c2sp():
    note = parse_note(RAW)
    expected = hashlib.sha256(ORIGIN.encode() + b"\n\x01" + KEY.public_key.raw).digest()
    assert full_key_hash(ORIGIN, KEY.public_key) == expected
    assert note.signatures[0].key_hash == expected[:4]


def test_an_ecdsa_log_is_named_by_its_spki():
    key = MemoryKey.ecdsa()
    assert (
        full_key_hash(ORIGIN, key.public_key)
        == hashlib.sha256(key.public_key.spki).digest()
    )
    assert opened(sign_checkpoint(HEAD, key=key), key=key) == HEAD


def test_cosignatures_travel_and_are_not_asked():
    witness = sign_note(TEXT, "witness.example", MemoryKey.ed25519())
    assert opened(RAW + witness.decode().split("\n\n")[1].encode()) == HEAD
    before = RAW.decode().replace(
        f"\n\n{DASH}", f"\n\n{witness.decode().split(chr(10) * 2)[1]}{DASH}"
    )
    assert opened(before.encode()) == HEAD


def test_extension_lines_are_signed_and_ignored():
    assert opened(signed(f"{TEXT}extension\nanother\n")) == HEAD


def test_a_text_may_hold_a_blank_line_but_a_checkpoint_may_not():
    raw = sign_note("a\n\nb\n", ORIGIN, KEY)
    assert parse_note(raw).text == "a\n\nb\n"
    with pytest.raises(NoteFormatError):
        opened(signed(f"{TEXT}\nafter a blank line\n"))


# ------------------------------------------------------------------ not signed so

OTHER = MemoryKey.ed25519()
SAME_ID = full_key_hash(ORIGIN, KEY.public_key)[:4] + OTHER.sign(TEXT.encode())
UNSIGNED = {
    "another key": signed(TEXT, key=OTHER),
    "another name": signed(TEXT, name="other.example"),
    "another size": RAW.replace(b"\n7\n", b"\n8\n"),
    "another root": RAW.replace(b"AAEC", b"AAED"),
    "another key under our id": f"{TEXT}\n{DASH} {ORIGIN} {b64encode(SAME_ID)}\n".encode(),
    "an added line": RAW.replace(b"\n\n", b"\nmore\n\n"),
    "only a witness": sign_note(TEXT, "witness.example", OTHER),
    "good, then bad under our id": RAW
    + f"{DASH} {ORIGIN} {b64encode(SAME_ID)}\n".encode(),
}


@pytest.mark.parametrize("raw", UNSIGNED.values(), ids=UNSIGNED)
def test_what_the_log_did_not_sign_is_refused(raw):
    with pytest.raises(CheckpointSignatureError) as refused:
        opened(raw)
    assert refused.value.code == "checkpoint-signature"


def test_a_signed_checkpoint_of_another_origin_is_refused():
    with pytest.raises(WrongLogError) as refused:
        opened(signed(TEXT.replace(ORIGIN, "other.example")))
    assert refused.value.code == "wrong-log"
    assert refused.value.evidence == {"expected": ORIGIN, "got": "other.example"}


def test_our_signature_is_not_taken_for_another_name():
    with pytest.raises(CheckpointSignatureError):
        verify_note(parse_note(RAW), "other.example", KEY.public_key)


# ------------------------------------------------------------------ not a note

LINE = RAW.decode().split("\n\n")[1]
NOT_NOTES = {
    "empty": b"",
    "no blank line": RAW.replace(b"\n\n", b"\n"),
    "no signature": TEXT.encode() + b"\n",
    "no text": b"\n\n" + LINE.encode(),
    "no last newline": RAW[:-1],
    "carriage return": RAW.replace(b"\n", b"\r\n"),
    "tab": RAW.replace(b"acme", b"ac\tme", 1),
    "nul": RAW.replace(b"acme", b"ac\0me", 1),
    "not UTF-8": RAW.replace(b"acme", b"ac\xffme", 1),
    "hyphen for a dash": RAW.replace(DASH.encode(), b"-"),
    "two spaces": RAW.replace(f"{DASH} ".encode(), f"{DASH}  ".encode()),
    "no name": f"{TEXT}\n{DASH} {b64encode(bytes(68))}\n".encode(),
    "plus in a name": RAW.replace(f"{DASH} acme".encode(), f"{DASH} ac+me".encode()),
    "unicode space in a name": RAW.replace(
        f"{DASH} acme".encode(), f"{DASH} ac\u2003me".encode()
    ),
    "not base64": f"{TEXT}\n{DASH} {ORIGIN} AAA\n".encode(),
    "base64 with stray bits": f"{TEXT}\n{DASH} {ORIGIN} AAAAAAAAAAB=\n".encode(),
    "only a key id": f"{TEXT}\n{DASH} {ORIGIN} {b64encode(bytes(4))}\n".encode(),
    "text after signatures": RAW + b"more\n",
    "a second blank line": RAW + b"\n",
}


@pytest.mark.parametrize("raw", NOT_NOTES.values(), ids=NOT_NOTES)
def test_what_is_not_a_note_is_refused(raw):
    with pytest.raises(NoteFormatError) as refused:
        opened(raw)
    assert refused.value.code == "note-format"


ROOT = b64encode(bytes(32))
NOT_CHECKPOINTS = {
    "two lines": f"{ORIGIN}\n7\n",
    "one line": f"{ORIGIN}\n",
    "empty line": f"{ORIGIN}\n7\n{ROOT}\n\nx\n",
    "empty origin": f"\n7\n{ROOT}\n",
    "leading zero": f"{ORIGIN}\n07\n{ROOT}\n",
    "sign": f"{ORIGIN}\n+7\n{ROOT}\n",
    "negative": f"{ORIGIN}\n-7\n{ROOT}\n",
    "hexadecimal": f"{ORIGIN}\n0x7\n{ROOT}\n",
    "other digits": f"{ORIGIN}\n\u0667\n{ROOT}\n",
    "too large": f"{ORIGIN}\n{MAX_TREE_SIZE + 1}\n{ROOT}\n",
    "very long": f"{ORIGIN}\n{'9' * 5000}\n{ROOT}\n",
    "short root": f"{ORIGIN}\n7\n{b64encode(bytes(31))}\n",
    "long root": f"{ORIGIN}\n7\n{b64encode(bytes(33))}\n",
    "root not base64": f"{ORIGIN}\n7\n{'?' * 44}\n",
}


@pytest.mark.parametrize("text", NOT_CHECKPOINTS.values(), ids=NOT_CHECKPOINTS)
def test_a_signed_text_that_is_no_checkpoint_is_refused(text):
    with pytest.raises(NoteFormatError) as refused:
        parse_checkpoint(text)
    assert refused.value.code == "note-format"


def test_the_largest_tree_is_a_tree():
    assert (
        parse_checkpoint(f"{ORIGIN}\n{MAX_TREE_SIZE}\n{ROOT}\n").size == MAX_TREE_SIZE
    )
    assert parse_checkpoint(f"{ORIGIN}\n0\n{ROOT}\n").size == 0


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "a\nb", "a\tb"])
def test_an_origin_that_no_note_could_name_is_not_signed(origin):
    with pytest.raises(NoteFormatError):
        sign_checkpoint(Checkpoint(origin, 1, bytes(32)), key=KEY)


@pytest.mark.parametrize("head", [(-1, bytes(32)), (1, bytes(31)), (2**63, bytes(32))])
def test_a_head_that_no_reader_would_take_is_not_signed(head):
    with pytest.raises(NoteFormatError):
        sign_checkpoint(Checkpoint(ORIGIN, *head), key=KEY)


@pytest.mark.parametrize("text", ["", "no newline", "\n"])
def test_a_text_that_no_note_could_hold_is_not_signed(text):
    with pytest.raises(NoteFormatError):
        sign_note(text, ORIGIN, KEY)


# ------------------------------------------------------------------ bounds


def test_as_many_signatures_as_the_limit_and_no_more():
    line = f"{DASH} witness.example {b64encode(bytes(68))}\n"
    most = RAW + (line * (MAX_NOTE_SIGNATURES - 1)).encode()
    assert opened(most) == HEAD
    with pytest.raises(LimitExceededError):
        opened(most + line.encode())


def test_as_many_bytes_as_the_limit_and_no_more():
    room = MAX_NOTE_BYTES - len(signed(f"{TEXT}\n")) + 1
    fits = signed(f"{TEXT}{'x' * (room - 1)}\n")
    assert len(fits) == MAX_NOTE_BYTES
    assert opened(fits) == HEAD
    with pytest.raises(LimitExceededError):
        opened(signed(f"{TEXT}{'x' * room}\n"))
