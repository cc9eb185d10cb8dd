"""POST /users (native contract 4 and 6; seed 000)."""

import pytest

from accounts import passwords
from accounts.models import User
from accounts.tests.factories import UserFactory
from clients.tests.factories import ClientFactory

BLANK = ["can't be blank"]
INVALID = ["is invalid"]
TOO_LONG = ["is too long (maximum is 255 characters)"]


def john(**changed):
    """The request that the contract was written after, word for word, but for what is changed; None leaves a key out."""
    body = {
        "name": "John Doe",
        "email": "john.doe@example.com",
        "password": "securepassword",
        "password_confirmation": "securepassword",
        **changed,
    }
    return {name: value for name, value in body.items() if value is not ...}


def create(call, cast, **changed):
    return call(cast.administrator).post("/users", john(**changed))


def errors_of(call, cast, **changed):
    """The errors of a refused creation, which must leave nothing behind."""
    count = User.objects.count()
    answer = create(call, cast, **changed)
    assert answer.status_code == 422
    assert list(answer.json()) == ["errors"]
    assert User.objects.count() == count
    return answer.json()["errors"]


def test_the_seeds_example_answers_as_the_seed_prints(cast, call):
    client = ClientFactory(name="Client Name")

    answer = call(cast.administrator).generic(
        "POST",
        "/users",
        f"""{{
    "name": "John Doe",
    "email": "john.doe@example.com",
    "password": "securepassword",
    "password_confirmation": "securepassword",
    "client_id": {client.pk}
  }}""",
        content_type="application/json",
    )

    made = User.objects.get(email="john.doe@example.com")
    assert answer.status_code == 201
    assert answer.json() == {
        "id": made.pk,
        "name": "John Doe",
        "email": "john.doe@example.com",
        "client": {"id": client.pk, "name": "Client Name"},
    }
    assert list(answer.json()) == ["id", "name", "email", "client"]
    assert list(answer.json()["client"]) == ["id", "name"]
    assert answer.headers["Location"] == f"/users/{made.pk}"
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["ETag"] == '"1"'
    assert passwords.verified("securepassword", made.password)


def test_the_seeds_three_errors_answer_as_printed(cast, call):
    assert create(call, cast).status_code == 201
    refused = john(password="short", password_confirmation="other")

    unauthenticated = call().post("/users", refused)
    forbidden = call(cast.owner).post("/users", refused)
    unprocessable = call(cast.administrator).post("/users", refused)

    assert unauthenticated.status_code == 401
    assert unauthenticated.json() == {"error": "You need to sign in or sign up before continuing."}
    assert forbidden.status_code == 403
    assert forbidden.json() == {"error": "You are not authorized to perform this action."}
    assert unprocessable.status_code == 422
    assert unprocessable.json() == {
        "errors": {
            "email": ["has already been taken"],
            "password": ["is too short (minimum is 8 characters)"],
            "password_confirmation": ["doesn't match Password"],
        }
    }
    assert list(unprocessable.json()["errors"]) == ["email", "password", "password_confirmation"]


def test_the_location_leads_to_the_new_user(cast, call):
    client = call(cast.administrator)
    made = client.post("/users", john(client_id=cast.acme.pk))

    assert client.get(made.headers["Location"]).json() == made.json()


@pytest.mark.parametrize("password", ["password", "password_confirmation", "hash"])
def test_no_answer_shows_a_password(cast, call, password):
    answer = create(call, cast)

    secret = User.objects.latest("id").password if password == "hash" else "securepassword"
    assert secret not in answer.content.decode()
    assert password not in answer.json()


def test_a_new_user_is_active_unless_it_says_otherwise(cast, call):
    create(call, cast)
    create(call, cast, email="b@example.com", active=False)
    create(call, cast, email="c@example.com", active=True)

    states = dict(User.objects.order_by("-id").values_list("email", "is_active")[:3])
    assert states == {"john.doe@example.com": True, "b@example.com": False, "c@example.com": True}


def test_a_new_inactive_administrator_does_not_sign_in(cast, call):
    create(call, cast, active=False)

    answer = call().post("/auth/token", {"email": "john.doe@example.com", "password": "securepassword"})

    assert answer.json() == {"error": "Invalid email or password."}


def test_a_new_user_signs_in(cast, call):
    made = create(call, cast, client_id=cast.acme.pk).json()

    answer = call().post("/auth/token", {"email": "john.doe@example.com", "password": "securepassword"})

    assert answer.json()["user"] == made


def test_name_and_email_are_kept_as_given_but_trimmed(cast, call):
    answer = create(call, cast, name="  Jürgen  von Öl ", email="  Juergen.VonOel@Example.COM\t")

    assert answer.json()["name"] == "Jürgen  von Öl"
    assert answer.json()["email"] == "Juergen.VonOel@Example.COM"


def test_all_faults_are_told_at_once(cast, call):
    assert errors_of(call, cast, name="", email="x", password="short", password_confirmation="", client_id=99) == {
        "name": BLANK,
        "email": INVALID,
        "password": ["is too short (minimum is 8 characters)"],
        "password_confirmation": BLANK,
        "client": ["must exist"],
    }


def test_all_faults_of_type_and_of_value_are_told_at_once(cast, call):
    assert errors_of(call, cast, name=1, email="taken@", password=[], client_id="1", active="yes") == {
        "name": INVALID,
        "email": INVALID,
        "password": INVALID,
        "client_id": INVALID,
        "active": INVALID,
    }


def test_nothing_at_all_is_every_required_field(cast, call):
    answer = call(cast.administrator).post("/users", {})

    required = ["name", "email", "password", "password_confirmation"]
    assert answer.json() == {"errors": dict.fromkeys(required, BLANK)}
    assert list(answer.json()["errors"]) == required


@pytest.mark.parametrize("field", ["name", "email", "password", "password_confirmation"])
@pytest.mark.parametrize("value", [..., "", None])
def test_a_required_field_is_not_blank(cast, call, field, value):
    assert errors_of(call, cast, **{field: value}) == {field: BLANK}


@pytest.mark.parametrize("field", ["name", "email"])
@pytest.mark.parametrize("value", ["   ", "\t\n", "\u00a0", "\u2003"])
def test_white_space_alone_is_blank(cast, call, field, value):
    assert errors_of(call, cast, **{field: value}) == {field: BLANK}


def test_a_password_of_white_space_alone_is_blank(cast, call):
    assert errors_of(call, cast, password=" " * 12, password_confirmation=" " * 12) == {"password": BLANK}


@pytest.mark.parametrize("field", ["name", "email", "password", "password_confirmation"])
@pytest.mark.parametrize("value", [1, 0, 1.5, True, False, [], ["x"], {}, {"x": 1}])
def test_text_of_another_type_is_invalid(cast, call, field, value):
    assert errors_of(call, cast, **{field: value}) == {field: INVALID}


def test_a_password_that_is_no_text_still_needs_its_confirmation(cast, call):
    assert errors_of(call, cast, password=12345678, password_confirmation=...) == {
        "password": INVALID,
        "password_confirmation": BLANK,
    }


def test_a_name_has_255_characters_at_most(cast, call):
    assert create(call, cast, name="é" * 255).json()["name"] == "é" * 255
    assert errors_of(call, cast, email="b@example.com", name="é" * 256) == {"name": TOO_LONG}


def test_an_email_has_255_characters_at_most(cast, call):
    longest = "a" * 243 + "@example.com"
    assert create(call, cast, email=longest).json()["email"] == longest
    assert errors_of(call, cast, email="a" + longest) == {"email": TOO_LONG}


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\x1bb", "a\x7fb", "a\u2028b", "a\x85b"], ids=ascii)
def test_a_name_has_no_control_characters(cast, call, name):
    assert errors_of(call, cast, name=name) == {"name": INVALID}


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "Robert'); DROP TABLE users;--", "李小龍", "محمد", "🦄", "=cmd()", "{wait}"]
)
def test_a_name_is_any_other_text_and_comes_back_as_it_was(cast, call, name):
    assert create(call, cast, name=name).json()["name"] == name
    assert User.objects.latest("id").name == name


@pytest.mark.parametrize("email", ["a@b.cc", "O_o%x+y-z@a-b.example", "1@2.example", "a.b.c@d.e.f.gh"])
def test_an_email_of_the_form_is_taken(cast, call, email):
    assert create(call, cast, email=email).json()["email"] == email


@pytest.mark.parametrize(
    "email",
    [
        "a",
        "@",
        "a@b",
        "a@b.c",
        "a.example.com",
        "@example.com",
        "a@",
        "a@@example.com",
        "a@b@example.com",
        ".a@example.com",
        "a.@example.com",
        "a..b@example.com",
        "a@.example.com",
        "a@example..com",
        "a@example.com.",
        "a@-example.com",
        "a@example-.com",
        "a@example.c0m",
        "a b@example.com",
        "a@exam ple.com",
        "é@example.com",
        "a@exämple.com",
        "a\u200b@example.com",
        "a@example.com\u0301",
        "a\n@example.com",
        "a@example.com\nb@example.com",
        "a@[127.0.0.1]",
        '"a b"@example.com',
        "A <a@example.com>",
        "a@example.com,b@example.com",
    ],
    ids=ascii,
)
def test_an_email_of_another_form_is_invalid(cast, call, email):
    assert errors_of(call, cast, email=email) == {"email": INVALID}


@pytest.mark.parametrize("email", ["olga@example.com", "OLGA@EXAMPLE.COM", " Olga@Example.com ", "dora@example.com"])
def test_an_email_is_unique_without_regard_to_case(cast, call, email):
    assert errors_of(call, cast, email=email) == {"email": ["has already been taken"]}


def test_a_password_has_8_to_128_characters(cast, call):
    for password, errors in [
        ("Zq8#kLm", ["is too short (minimum is 8 characters)"]),
        ("é" * 7, ["is too short (minimum is 8 characters)"]),
        ("Zq8#kLmw" * 16 + "x", ["is too long (maximum is 128 characters)"]),
        ("x" * 200_000, ["is too long (maximum is 128 characters)"]),
    ]:
        assert errors_of(call, cast, password=password, password_confirmation=password) == {"password": errors}
    for number, password in enumerate(["Zq8#kLmw", "Zq8#kLmw" * 16, "é" * 8]):
        answer = create(call, cast, email=f"n{number}@example.com", password=password, password_confirmation=password)
        assert answer.status_code == 201


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("password1", "is too common"),
        ("QWERTYUIOP", "is too common"),
        ("johndoe1234", "is too similar to the name"),
        ("john.doe@example.com", "is too similar to the email"),
        ("  Password1  ", "is too common"),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused(cast, call, password, message):
    name = "John Doe" if "name" in message else "Someone Else"
    errors = errors_of(call, cast, name=name, password=password, password_confirmation=password)

    assert errors == {"password": [message]}


@pytest.mark.parametrize("confirmation", ["Securepassword", "securepassword ", "x"])
def test_a_confirmation_that_differs_does_not_match(cast, call, confirmation):
    assert errors_of(call, cast, password_confirmation=confirmation) == {
        "password_confirmation": ["doesn't match Password"]
    }


@pytest.mark.parametrize("client_id", [0, -1, 987654321, 2**63, 2**64, 10**40])
def test_an_unknown_client_must_exist(cast, call, client_id):
    assert errors_of(call, cast, client_id=client_id) == {"client": ["must exist"]}


def test_the_user_name_is_made_from_the_email_and_stays_unique(cast, call):
    UserFactory(email="john.doe@elsewhere.example", username="John.Doe")

    create(call, cast)

    made = User.objects.latest("id")
    assert made.username.startswith("john.doe-")
    assert made.username_canonical != "john.doe"


@pytest.mark.parametrize("query", ["?include=role,active", "?include=active,role,active"])
def test_a_creation_answers_with_what_is_included(cast, call, query):
    answer = call(cast.administrator).post(f"/users{query}", john(client_id=cast.acme.pk, active=False))

    assert list(answer.json()) == ["id", "name", "email", "client", "active", "role"]
    assert (answer.json()["active"], answer.json()["role"]) == (False, "user")


def test_an_unknown_include_is_told_with_the_other_faults_and_makes_nothing(cast, call):
    answer = call(cast.administrator).post("/users?include=nonsense", john(name=""))

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["name", "include"]
    assert not User.objects.filter(email="john.doe@example.com").exists()
