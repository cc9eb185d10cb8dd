"""User names: their form, and how one is made (DESIGN 2, "User name")."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import usernames
from accounts.tests.test_emails import sound


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "0", "-", "...", "x" * 255])
def test_user_names(name):
    assert usernames.has_form(name)


@pytest.mark.parametrize("name", ["", " ", "a b", "a@b", "a+b", "é", "ａ", "٣", "a\n", "\na", "a\0", "a/b", "<a>"])
def test_no_user_names(name):
    assert not usernames.has_form(name)


@given(st.text(max_size=8))
def test_the_form_is_the_pattern_of_the_design(text):
    assert usernames.has_form(text) == (re.fullmatch(r"[0-9A-Za-z._-]+", text) is not None)


@pytest.mark.parametrize(
    ("email", "name"),
    [
        ("john.doe@example.com", "john.doe"),
        ("John.Doe@example.com", "John.Doe"),
        ("a_b-c@example.com", "a_b-c"),
        ("john+list@example.com", "john-list"),
        ("50%off@example.com", "50-off"),
        ("%@example.com", "-"),
        ("x" * 80 + "@example.com", "x" * 64),
    ],
)
def test_a_name_is_made_of_the_local_part(email, name):
    assert usernames.made_from(email) == name


@given(sound, st.booleans())
def test_a_name_that_is_made_has_the_form(email, distinct):
    made = usernames.made_from(email, distinct=distinct)
    assert usernames.has_form(made)
    assert len(made) <= usernames.MAX_LENGTH
    assert made.lower() not in usernames.RESERVED


@pytest.mark.parametrize("name", ["admin", "Administrator", "ALL", "here", "system", "user"])
def test_a_reserved_name_is_not_made(name):
    assert re.fullmatch(f"{name}-[0-9a-f]{{8}}", usernames.made_from(f"{name}@example.com"))


def test_distinct_names_are_distinct():
    made = {usernames.made_from("john@example.com", distinct=True) for _ in range(50)}
    assert len(made) == 50
    assert all(re.fullmatch("john-[0-9a-f]{8}", name) for name in made)
