"""GET /users: what is listed, in which order (native contract 5)."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from accounts.api.filters import MomentField, UserFilterSet
from accounts.models import User
from accounts.tests.factories import UserFactory

POSITIVE = ["must be a positive integer"]
INVALID = ["is invalid"]
ORDERINGS = ["id", "name", "email", "created_at", "last_sign_in"]
NO_SUCH_ORDERING = [f"is not one of {', '.join(ORDERINGS)}"]


def listed(call, cast, query=""):
    """The names of those listed, in order."""
    answer = call(cast.administrator).get(f"/users?{query}")
    assert answer.status_code == 200, answer.json()
    names = [user["name"] for user in answer.json()["users"]]
    assert answer.json()["meta"]["pagination"]["total_count"] == len(names)
    return names


def errors_of(call, cast, query):
    answer = call(cast.administrator).get(f"/users?{query}")
    assert answer.status_code == 422
    assert list(answer.json()) == ["errors"]
    return answer.json()["errors"]


def test_the_list_has_users_and_their_pagination(cast, call):
    answer = call(cast.administrator).get("/users")

    assert answer.status_code == 200
    assert answer.json() == {
        "users": [
            {"id": cast.administrator.pk, "name": "Ada Administrator", "email": "ada@example.com", "client": None},
            {"id": cast.spare.pk, "name": "Sam Spare", "email": "sam@example.com", "client": None},
            {
                "id": cast.owner.pk,
                "name": "Olga Owner",
                "email": "olga@example.com",
                "client": {"id": cast.acme.pk, "name": "Acme"},
            },
            {
                "id": cast.stranger.pk,
                "name": "Stan Stranger",
                "email": "stan@example.com",
                "client": {"id": cast.acme.pk, "name": "Acme"},
            },
            {
                "id": cast.outsider.pk,
                "name": "Otto Outsider",
                "email": "otto@example.com",
                "client": {"id": cast.globex.pk, "name": "Globex"},
            },
            {
                "id": cast.disabled.pk,
                "name": "Dora Disabled",
                "email": "dora@example.com",
                "client": {"id": cast.acme.pk, "name": "Acme"},
            },
        ],
        "meta": {
            "pagination": {
                "current_page": 1,
                "next_page": None,
                "prev_page": None,
                "total_pages": 1,
                "total_count": 6,
            }
        },
    }
    assert list(answer.json()) == ["users", "meta"]
    assert all(list(user) == ["id", "name", "email", "client"] for user in answer.json()["users"])
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"


def test_no_list_shows_a_password(cast, call):
    answer = call(cast.administrator).get("/users").content.decode()

    assert "password" not in answer
    assert cast.owner.password not in answer


# Search


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("olga", ["Olga Owner"]),
        ("OLGA", ["Olga Owner"]),
        ("ga ow", ["Olga Owner"]),
        ("  olga  ", ["Olga Owner"]),
        ("otto@example", ["Otto Outsider"]),
        (
            "EXAMPLE.COM",
            ["Ada Administrator", "Sam Spare", "Olga Owner", "Stan Stranger", "Otto Outsider", "Dora Disabled"],
        ),
        ("", ["Ada Administrator", "Sam Spare", "Olga Owner", "Stan Stranger", "Otto Outsider", "Dora Disabled"]),
        ("nobody at all", []),
        ("acme", []),
        ("correct horse", []),
        ("argon2", []),
        ("x" * 255, []),
    ],
)
def test_a_search_finds_any_part_of_name_email_or_user_name(cast, call, search, names):
    assert listed(call, cast, f"search={quote(search)}") == names


def test_a_search_finds_a_user_name(cast, call):
    UserFactory(name="Quentin", email="q@example.com", username="The-Quiet.One")

    assert listed(call, cast, "search=quiet.o") == ["Quentin"]


@pytest.mark.parametrize(
    ("name", "search"),
    [
        ("Émile", "émile"),
        ("émile", "ÉMILE"),
        ("E\u0301mile", "émile"),
        ("Émile", "E\u0301MILE"),
        ("STRASSE", "straße"),
        ("Straße", "STRASSE"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("Дмитрий", "ДМИТРИЙ"),
        ("ＡＢＣ", "abc"),
        ("ﬁn", "FIN"),
        ("李小龍", "小龍"),
    ],
)
def test_a_search_has_no_case_in_any_script(cast, call, name, search):
    UserFactory(name=name)

    assert listed(call, cast, f"search={quote(search)}") == [name]


@pytest.mark.parametrize("search", ["Emile", "e\u0300mile"])
def test_accents_make_a_difference(cast, call, search):
    UserFactory(name="Émile")

    assert listed(call, cast, f"search={quote(search)}") == []


@pytest.mark.parametrize("wildcard", ["%", "_", "\\", "*", "?", "[a-z]", "'", '"', "--", "%%", "o%r"])
def test_wildcards_are_letters_like_any_other(cast, call, wildcard):
    assert listed(call, cast, f"search={quote(wildcard)}") == []
    UserFactory(name=f"Wild {wildcard} Card")

    assert listed(call, cast, f"search={quote(wildcard)}") == [f"Wild {wildcard} Card"]


def test_a_search_does_not_match_across_two_columns(cast, call):
    assert listed(call, cast, f"search={quote('Olga Owner' + chr(10) + 'olga@example.com')}") == []
    assert listed(call, cast, f"search={quote('Olga Ownerolga@')}") == []


@pytest.mark.parametrize("search", ["%00", "a%00b", "x" * 256, "%25" * 60_000])
def test_a_search_for_what_no_column_can_hold_is_invalid(cast, call, search):
    assert errors_of(call, cast, f"search={search}") == {"search": INVALID}


@pytest.mark.parametrize("search", ["%ED%A0%80", "%FF", "%C3", "%"])
def test_a_search_in_broken_utf_8_finds_nobody(cast, call, search):
    assert listed(call, cast, f"search={search}") == []


# Filters


@pytest.mark.parametrize(
    ("email", "names"),
    [
        ("olga@example.com", ["Olga Owner"]),
        ("OLGA@EXAMPLE.COM", ["Olga Owner"]),
        (" olga@example.com ", ["Olga Owner"]),
        ("olga", []),
        ("olga@example", []),
        ("%@example.com", []),
        ("nobody@example.com", []),
    ],
)
def test_an_email_is_exact_but_for_case(cast, call, email, names):
    assert listed(call, cast, f"email={quote(email)}") == names


def test_clients_are_filtered_by_number_as_many_as_one_likes(cast, call):
    acme, globex = cast.acme.pk, cast.globex.pk

    assert listed(call, cast, f"client_id={globex}") == ["Otto Outsider"]
    assert listed(call, cast, f"client_id={acme}") == ["Olga Owner", "Stan Stranger", "Dora Disabled"]
    assert listed(call, cast, f"client_id={acme}&client_id={globex}") == [
        "Olga Owner",
        "Stan Stranger",
        "Otto Outsider",
        "Dora Disabled",
    ]
    assert listed(call, cast, "client_id=null") == ["Ada Administrator", "Sam Spare"]
    assert listed(call, cast, f"client_id=null&client_id={globex}") == [
        "Ada Administrator",
        "Sam Spare",
        "Otto Outsider",
    ]
    assert listed(call, cast, "client_id=987654321") == []
    assert listed(call, cast, "&".join(f"client_id={number}" for number in range(globex, globex + 900))) == [
        "Otto Outsider"
    ]


def test_the_state_is_true_or_false(cast, call):
    assert listed(call, cast, "active=false") == ["Dora Disabled"]
    assert listed(call, cast, "active=true") == [
        "Ada Administrator",
        "Sam Spare",
        "Olga Owner",
        "Stan Stranger",
        "Otto Outsider",
    ]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("created_after=2026-03-02T12:00:00Z", ["Three"]),
        ("created_after=2026-03-02T11:59:59.999999Z", ["Two", "Three"]),
        ("created_before=2026-03-02T12:00:00Z", ["One"]),
        ("created_before=2026-03-02T12:00:00.000001Z", ["One", "Two"]),
        ("created_after=2026-03-02", ["Two", "Three"]),
        ("created_before=2026-03-02", ["One"]),
        ("created_after=2026-03-02T13:59:59%2B02:00", ["Two", "Three"]),
        ("created_after=2026-03-02T13:59:59+02:00", ["Two", "Three"]),
        ("created_after=2026-03-02T07:00:00-05:00", ["Three"]),
        ("created_after=2026-03-02t12:00:00z", ["Three"]),
        ("created_after=2026-03-01T12:00:00Z&created_before=2026-03-03T12:00:00Z", ["Two"]),
        ("created_after=0001-01-01&created_before=9999-12-31T23:59:59Z", ["One", "Two", "Three"]),
    ],
)
def test_moments_of_creation_are_exclusive(cast, call, query, names):
    for number, name in enumerate(["One", "Two", "Three"]):
        UserFactory(name=name, client=cast.acme, created_at=datetime(2026, 3, 1 + number, 12, tzinfo=UTC))

    assert [name for name in listed(call, cast, f"{query}&search=person") if name in ("One", "Two", "Three")] == names


def test_filters_narrow_each_other(cast, call):
    assert listed(call, cast, f"client_id={cast.acme.pk}&active=true&search=stan") == ["Stan Stranger"]
    assert listed(call, cast, f"client_id={cast.globex.pk}&search=stan") == []


@pytest.mark.parametrize("name", ["active", "created_after", "created_before", "email", "client_id"])
@pytest.mark.parametrize("value", ["", "%20", "nonsense", "%00"])
def test_a_filter_without_a_sound_value_is_told_by_name(cast, call, name, value):
    if name == "email" and value == "nonsense":
        assert listed(call, cast, "email=nonsense") == []
    else:
        assert errors_of(call, cast, f"{name}={value}") == {name: INVALID}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("active", "True"),
        ("active", "1"),
        ("active", "null"),
        ("client_id", "0"),
        ("client_id", "-1"),
        ("client_id", "1.0"),
        ("client_id", "01"),
        ("client_id", "9223372036854775808"),
        ("client_id", "NULL"),
        ("client_id", "1,2"),
        ("client_id", "1&client_id=x"),
        ("created_after", "yesterday"),
        ("created_after", "2026-02-30"),
        ("created_after", "2026-13-01"),
        ("created_after", "2026-01-01T25:00:00Z"),
        ("created_after", "20260101"),
        ("created_after", "2026-W01-1"),
        ("created_after", "1767225600"),
        ("created_after", "1" * 400),
        ("created_after", "0001-01-01T00:00:00%2B14:00"),
        ("created_before", "9999-12-31T23:59:59-14:00"),
        ("created_before", "2026-01-01T00:00:00%2B99:00"),
        ("email", "x" * 300),
    ],
)
def test_a_value_of_another_form_is_told_by_name(cast, call, name, value):
    assert errors_of(call, cast, f"{name}={value}") == {name: INVALID}


def test_several_faults_are_all_told_at_once(cast, call):
    query = "page=0&per_page=x&ordering=shoe_size&include=nonsense&active=maybe&client_id=x&created_after=now&email="

    errors = errors_of(call, cast, query)

    assert {name: errors[name] for name in errors if name != "include"} == {
        "page": POSITIVE,
        "per_page": POSITIVE,
        "ordering": NO_SUCH_ORDERING,
        "active": INVALID,
        "client_id": INVALID,
        "created_after": INVALID,
        "email": INVALID,
    }
    assert "include" in errors


def test_a_thousand_parameters_are_too_many(cast, call):
    answer = call(cast.administrator).get("/users?" + "&".join(["client_id=1"] * 1001))

    assert (answer.status_code, answer.json()) == (400, {"error": "The request is malformed."})


# Ordering


@pytest.fixture
def people(cast):
    """Some of whom share a name, a moment of creation or of sign-in; keys by what a test sorts with."""
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    rows = [
        ("zoe", "b@example.com", noon, None),
        ("Émile", "Z@example.com", noon - timedelta(days=1), noon),
        ("adam", "a@example.com", noon, noon),
        ("Adam", "c@example.com", noon + timedelta(days=1), noon - timedelta(hours=1)),
        ("adam", "D@example.com", noon, None),
        ("Zoe", "e@example.com", noon - timedelta(days=2), noon + timedelta(microseconds=1)),
        ("éa", "f@example.com", noon, noon),
    ]
    User.objects.exclude(pk=cast.administrator.pk).delete()
    for name, email, created, signed_in in rows:
        UserFactory(name=name, email=email, client=cast.acme, created_at=created, last_login=signed_in)
    return list(User.objects.exclude(pk=cast.administrator.pk))


def expected(people, ordering):
    """Sorted in Python: the column, then the number; those without a value last, both ways."""
    keys = {
        "id": lambda user: user.pk,
        "name": lambda user: user.name.casefold(),
        "email": lambda user: user.email.casefold(),
        "created_at": lambda user: user.created_at,
        "last_sign_in": lambda user: user.last_login,
    }
    key, backwards = keys[ordering.removeprefix("-")], ordering.startswith("-")
    some = sorted(
        (user for user in people if key(user) is not None), key=lambda user: (key(user), user.pk), reverse=backwards
    )
    none = sorted((user for user in people if key(user) is None), key=lambda user: user.pk, reverse=backwards)
    return [user.pk for user in some + none]


@pytest.mark.parametrize("ordering", [sign + name for name in ORDERINGS for sign in ("", "-")])
@pytest.mark.parametrize("cursor", ["", "&cursor="])
def test_each_ordering_is_total_and_ends_with_those_without_a_value(cast, call, people, ordering, cursor):
    answer = call(cast.administrator).get(f"/users?ordering={ordering}&client_id={cast.acme.pk}{cursor}")

    assert [user["id"] for user in answer.json()["users"]] == expected(people, ordering)


@pytest.mark.parametrize("ordering", [sign + name for name in ORDERINGS for sign in ("", "-")])
def test_pages_of_an_ordering_add_up_to_the_whole(cast, call, people, ordering):
    client, seen = call(cast.administrator), []
    for page in range(1, 6):
        answer = client.get(f"/users?ordering={ordering}&client_id={cast.acme.pk}&per_page=2&page={page}")
        seen += [user["id"] for user in answer.json()["users"]]

    assert seen == expected(people, ordering)


def test_the_order_is_by_number_unless_it_says_otherwise(cast, call, people):
    answer = call(cast.administrator).get(f"/users?client_id={cast.acme.pk}")

    assert [user["id"] for user in answer.json()["users"]] == sorted(user.pk for user in people)


@pytest.mark.parametrize(
    "ordering",
    ["", "-", "--id", "+id", "ID", "password", "name,email", "client", "last_login", "name_sorted", "?", "\0"],
)
def test_another_ordering_is_told_by_name(cast, call, ordering):
    assert errors_of(call, cast, f"ordering={quote(ordering)}") == {"ordering": NO_SUCH_ORDERING}


def test_filters_are_made_once_and_judged_only_where_they_are_sent(cast, call, monkeypatch):
    narrowed_by = "email=olga@example.com&active=true"
    assert listed(call, cast, narrowed_by) == ["Olga Owner"]

    def made_again(*args, **options):
        raise AssertionError

    monkeypatch.setattr(UserFilterSet, "__init__", made_again)
    monkeypatch.setattr(MomentField, "clean", made_again)
    assert listed(call, cast, narrowed_by) == ["Olga Owner"]
    assert listed(call, cast, "email=stan@example.com") == ["Stan Stranger"]
    assert len(listed(call, cast)) == 6
