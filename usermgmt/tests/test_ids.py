"""Numbers in paths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usermgmt.errors import NotFound
from usermgmt.http.ids import id_of, is_id

LARGEST = 2**63 - 1


@given(st.integers(1, LARGEST))
def test_the_number_of_any_row_is_one(number):
    assert id_of(str(number), "user") == number


@given(st.text())
def test_any_text_is_plainly_a_number_or_is_not_found(text):
    if is_id(text):
        assert str(id_of(text, "user")) == text
    else:
        with pytest.raises(NotFound):
            id_of(text, "user")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-1",
        "+1",
        "01",
        "1.0",
        "1e3",
        " 1",
        "1\n",
        "1_000",
        "٣",
        "²",
        "0x1",
        "abc",
        str(LARGEST + 1),
        "9" * 5000,
    ],
)
def test_what_can_be_no_row_is_not_found_by_its_kind(text):
    with pytest.raises(NotFound, match="client not found") as refusal:
        id_of(text, "client")
    assert refusal.value.kind == "client"
