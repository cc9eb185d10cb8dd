"""Names of users, whichever contract made them, in the two parts that this one knows (contract 0, 3 and 9)."""

from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from accounts import names
from accounts.models import User
from accounts.tests.factories import UserFactory
from usermgmt.dialects.resource.mapping import renamed, to_user
from usermgmt.dialects.resource.tests.shapes import USER, user_of, users_of
from usermgmt.text import has_control_characters, is_blank

VALIDATOR = Draft202012Validator(USER)
ODD = [
    "One",
    " Leading And Trailing ",
    "Two  Spaces",
    "x" * 255,
    "x" * 150 + " " + "y" * 104,
    "🦉",
    "👩\u200d👩\u200d👧 👩🏽",
    "محمد علي",
    "עברית",
    "\u202eABC DEF",
    "\u200b Ω",
    "\u200b" * 100 + "seen",
    "山田太郎",
    "山田　太郎",
    "a\u00a0b",
    "e\u0301 E\u0301",
    "z",
    "Z",
    "ß ẞ",
    "'; DROP TABLE users --",
]


def lines(**bounds):
    """Text on one line, as every contract takes it."""
    return st.text(**bounds).filter(lambda text: not has_control_characters(text))


names_of_users = st.one_of(
    st.sampled_from(ODD), lines(min_size=1, max_size=255).map(str.strip).filter(lambda text: not is_blank(text))
)
parts_of_names = st.one_of(st.just(""), st.sampled_from(ODD), lines(max_size=255))
sent_parts = lines(min_size=1, max_size=100).filter(lambda text: not is_blank(text))


@given(names_of_users, parts_of_names, parts_of_names)
def test_whatever_a_name_looks_like_it_is_shown_within_the_schema(name, given_name, family_name):
    user = User(pk=7, name=name, given_name=given_name, family_name=family_name, email="a@b.co")
    shown = to_user(user)
    VALIDATOR.validate(shown)
    assert (shown["firstName"], shown["lastName"]) == names.in_parts(name, given_name, family_name)


@given(names_of_users, parts_of_names, parts_of_names, sent_parts)
@pytest.mark.parametrize("part", ["given_name", "family_name"])
def test_one_part_never_changes_with_the_other(part, name, given_name, family_name, sent):
    user = SimpleNamespace(name=name, given_name=given_name, family_name=family_name)
    before = names.in_parts(name, given_name, family_name)

    written = renamed(user, {part: sent})

    after = names.in_parts(written["name"], written["given_name"], written["family_name"])
    assert after == ((sent, before[1]) if part == "given_name" else (before[0], sent))
    assert written["name"] == (name if after == before else names.joined(*after))
    assert renamed(SimpleNamespace(**written), {part: sent}) == written  # again changes nothing


@pytest.mark.parametrize(
    ("name", "given_name", "family_name", "shown"),
    [
        ("Olga Owner", "", "", ("Olga", "Owner")),
        ("Olga", "", "", ("Olga", "Olga")),
        ("Anna Maria von Berg", "", "", ("Anna", "Maria von Berg")),
        ("Anna  Berg", "", "", ("Anna", "Berg")),
        ("Olga Owner", "Olha", "", ("Olha", "Owner")),
        ("Olga Owner", "", "Ostrich", ("Olga", "Ostrich")),
        ("Olga", "", "Ostrich", ("Olga", "Ostrich")),
        ("Olga Owner", " ", "\u200b", ("Olga", "Owner")),
        ("\u200b Ω", "", "", ("Ω", "Ω")),
        ("x" * 255, "", "", ("x" * 100, "x" * 100)),
    ],
)
def test_the_parts_are_those_that_there_are_else_the_name_split_at_its_first_space(
    name, given_name, family_name, shown
):
    assert names.in_parts(name, given_name, family_name) == shown


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(names_of_users, parts_of_names, parts_of_names), min_size=2, max_size=12))
@pytest.mark.parametrize("order", ["firstName", "lastName"])
def test_the_list_is_sorted_by_what_it_shows_byte_by_byte(cast, call, order, rows):
    client = call(cast.administrator)
    User.objects.filter(username__startswith="odd").delete()
    User.objects.bulk_create(
        UserFactory.build(
            name=name, given_name=given, family_name=family, username=f"odd{n}", client=cast.acme, is_superuser=False
        )
        for n, (name, given, family) in enumerate(rows)
    )

    up = users_of(client.get(f"/v1/users?_sort={order}&_perPage=100"))
    down = users_of(client.get(f"/v1/users?_sort=-{order}&_perPage=100"))

    assert len(up) == len(rows) + 6
    assert up == sorted(up, key=lambda user: (user[order].encode(), user["userId"]))
    assert down == up[::-1]


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("part", ["firstName", "lastName"])
def test_a_user_of_the_native_contract_keeps_the_other_part(cast, call, name, part):
    client = call(cast.administrator)
    made = client.post(
        "/users",
        {"name": name, "email": "odd@example.com", "password": "long enough", "password_confirmation": "long enough"},
    ).json()
    path = f"/v1/users/{made['id']}"
    before = user_of(client.get(path))

    after = user_of(client.patch(path, {part: "New"}))

    assert after == before | {part: "New"}
    assert user_of(client.get(path)) == after
