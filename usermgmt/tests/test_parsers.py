"""The JSON gate (DESIGN 3): what comes through is what was sent, and nothing but BadBody comes out otherwise."""

import io
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usermgmt.http.parsers import MAX_BODY_BYTES, MAX_DEPTH, BadBody, BodyTooLarge, StrictJSONParser, loads

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)


def texts_in(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)


def numbers_in(value):
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from numbers_in(item)


def is_sound(value) -> bool:
    """What DESIGN 3 asks for, said in another way than the gate says it; depth apart."""
    return (
        isinstance(value, dict)
        and all("\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text) for text in texts_in(value))
        and all(math.isfinite(number) for number in numbers_in(value))
    )


@given(anything, st.booleans())
def test_whatever_python_can_write_comes_back_equal_or_is_refused(value, escaped):
    body = json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    if is_sound(value):
        assert loads(body) == value
    else:
        with pytest.raises(BadBody):
            loads(body)


@given(st.dictionaries(st.text(max_size=6), anything, max_size=3), st.binary(max_size=8), st.integers(0, 200))
def test_damaged_json_is_an_object_or_is_refused(value, noise, place):
    body = json.dumps(value).encode()
    damaged = body[:place] + noise + body[place + 1 :]
    try:
        read = loads(damaged)
    except BadBody:
        return
    assert is_sound(read)


@given(st.binary())
def test_arbitrary_bytes_are_an_object_or_are_refused(body):
    try:
        read = loads(body)
    except BadBody:
        return
    assert is_sound(read)


def nested(levels: int, brackets: str = "[]") -> bytes:
    """An object with `levels` - 1 further levels inside."""
    return b'{"a":' + brackets[0].encode() * (levels - 1) + brackets[1].encode() * (levels - 1) + b"}"


def test_arrays_nested_to_the_limit_come_through():
    value = loads(nested(MAX_DEPTH))["a"]
    levels = 1
    while value:
        (value,) = value
        levels += 1
    assert levels == MAX_DEPTH - 1
    assert MAX_DEPTH == 32


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 1_000, 100_000])
def test_arrays_nested_deeper_are_refused(levels):
    with pytest.raises(BadBody, match="nested deeper than 32 levels"):
        loads(nested(levels))


def test_objects_nested_to_the_limit_come_through_and_deeper_are_refused():
    assert loads(b'{"a":' * 31 + b"{}" + b"}" * 31)["a"]["a"] != {}
    with pytest.raises(BadBody, match="nested deeper than 32 levels"):
        loads(b'{"a":' * 32 + b"{}" + b"}" * 32)


def test_a_text_at_the_deepest_level_is_no_level_of_its_own():
    assert loads(b'{"a":' * 32 + b'"x"' + b"}" * 32)["a"]["a"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b'{"a": 1,}', "not valid JSON"),
        (b"{'a': 1}", "not valid JSON"),
        (b'{"a": 1} {"b": 2}', "not valid JSON"),
        (b'\xef\xbb\xbf{"a": 1}', "not valid JSON"),  # a byte order mark (RFC 8259 8.1)
        (b'{"a": "line\nbreak"}', "not valid JSON"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "not valid JSON"),  # more digits than Python reads
        (b'{"a": 01}', "not valid JSON"),
        (b'{"a": "\xff"}', "must be UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "must be UTF-8"),  # a surrogate in UTF-8
        ('{"a": 1}'.encode("utf-16"), "must be UTF-8"),
        (b"[]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b"1", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'{"a": 1, "a": 2}', "duplicate key"),
        (b'{"a": 1, "\\u0061": 2}', "duplicate key"),
        (b'{"a": [{"b": 1, "b": 1}]}', "duplicate key"),
        (b'{"a": "\\u0000"}', "NUL character"),
        (b'{"\\u0000": 1}', "NUL character"),
        (b'{"a": ["x", {"b": "\\u0000"}]}', "NUL character"),
        (b'{"a": "\\ud800"}', "lone surrogate"),
        (b'{"a": "\\udc00\\ud800"}', "lone surrogate"),
        (b'{"\\udfff": 1}', "lone surrogate"),
        (b'{"a": NaN}', "not finite"),
        (b'{"a": Infinity}', "not finite"),
        (b'{"a": -Infinity}', "not finite"),
        (b'{"a": 1e400}', "not finite"),
        (b'{"a": [-1e400]}', "not finite"),
    ],
)
def test_what_the_gate_refuses_it_gives_a_reason_for(body, said):
    with pytest.raises(BadBody, match=said) as refusal:
        loads(body)
    assert refusal.value.status_code == 400


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"{}", {}),
        (b' \r\n\t{"a" : 1}\n', {"a": 1}),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "\N{GRINNING FACE}"}),  # a pair is no lone surrogate
        (b'{"": ""}', {"": ""}),
        (b'{"a": 1, "A": 2}', {"a": 1, "A": 2}),
        (b'{"a": 12345678901234567890123}', {"a": 12345678901234567890123}),
        (b'{"a": "\\\\u0000"}', {"a": "\\u0000"}),
    ],
)
def test_what_looks_odd_but_is_sound_comes_through(body, value):
    assert loads(body) == value


def parse(body: bytes, media_type: str = "application/json"):
    return StrictJSONParser().parse(io.BytesIO(body), media_type)


def test_a_body_of_one_mebibyte_comes_through():
    body = b'{"a":"' + b"x" * (MAX_BODY_BYTES - 8) + b'"}'
    assert len(body) == MAX_BODY_BYTES == 1024 * 1024
    assert len(parse(body)["a"]) == MAX_BODY_BYTES - 8


def test_a_body_of_one_byte_more_is_too_large_whatever_it_holds():
    for body in (b'{"a":"' + b"x" * (MAX_BODY_BYTES - 7) + b'"}', b"\xff" * (MAX_BODY_BYTES + 1)):
        with pytest.raises(BodyTooLarge) as refusal:
            parse(body)
        assert refusal.value.status_code == 413


def test_no_more_of_a_body_is_read_than_tells_that_it_is_too_large():
    stream = io.BytesIO(b" " * MAX_BODY_BYTES * 2)
    with pytest.raises(BodyTooLarge):
        StrictJSONParser().parse(stream, "application/json")
    assert stream.tell() == MAX_BODY_BYTES + 1


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "us-ascii"])
def test_a_charset_that_is_utf8_is_fine(charset):
    assert (
        parse('{"a": "\N{LATIN SMALL LETTER E WITH ACUTE}"}'.encode(), f"application/json; charset={charset}")["a"]
        == "\xe9"
    )


@pytest.mark.parametrize("charset", ["latin-1", "utf-16", "utf-7", "nonsense", ""])
def test_any_other_charset_is_refused(charset):
    with pytest.raises(BadBody, match="must be UTF-8"):
        parse(b'{"a": 1}', f"application/json; charset={charset}")
