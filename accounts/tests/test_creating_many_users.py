"""POST /users/bulk (native contract 7)."""

import json
import os
import threading

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import hashing, passwords
from accounts.models import Event, Mail, User
from accounts.services import bulk, sign_ins
from accounts.tests.callers import caller
from accounts.tests.rows import everything
from usermgmt.cores import cores

PASSWORD = "securepassword"
TAKEN = {"email": ["has already been taken"]}


def person(number=1, **changed):
    """A user as in POST /users; ... leaves a key out."""
    body = {
        "name": f"Person {number}",
        "email": f"p{number}@example.org",
        "password": PASSWORD,
        "password_confirmation": PASSWORD,
        **changed,
    }
    return {name: value for name, value in body.items() if value is not ...}


def post(cast, users, query=""):
    return caller(cast.administrator).post(f"/users/bulk{query}", {"users": users})


def results(cast, users, query=""):
    answer = post(cast, users, query)
    assert answer.status_code == 200, answer.json()
    assert list(answer.json()) == ["results"]
    return answer.json()["results"]


def test_each_is_made_and_told_as_post_users_would_in_the_order_sent(cast):
    told = results(
        cast, [person(2, client_id=cast.acme.pk), person(1), person(3, active=False, client_id=cast.acme.pk)]
    )
    made = list(User.objects.filter(email__endswith="@example.org").order_by("id"))
    assert told == [
        {
            "index": n,
            "status": 201,
            "user": {
                "id": user.pk,
                "name": user.name,
                "email": user.email,
                "client": None if user.client is None else {"id": cast.acme.pk, "name": "Acme"},
            },
        }
        for n, user in enumerate(made)
    ]
    assert [user.email for user in made] == ["p2@example.org", "p1@example.org", "p3@example.org"]
    assert [user.is_superuser for user in made] == [False, True, False]
    assert [user.is_active for user in made] == [True, True, False]
    assert [user.username for user in made] == ["p2", "p1", "p3"]
    assert list(told[0]) == ["index", "status", "user"]
    assert sign_ins.verified_user(email="P1@example.org", password=PASSWORD) == made[1]


def test_each_has_its_row_of_the_audit_trail(cast):
    answer = caller(cast.administrator).post(
        "/users/bulk", {"users": [person(1), person(2)]}, headers={"X-Request-ID": "one-call"}
    )
    rows = Event.objects.filter(action="user.created").order_by("id")
    assert [row.target_id for row in rows] == [result["user"]["id"] for result in answer.json()["results"]]
    assert {(row.actor_id, row.contract, row.request_id) for row in rows} == {
        (cast.administrator.pk, "native", "one-call")
    }


def test_those_without_a_fault_are_made_although_others_are_refused(cast):
    told = results(
        cast,
        [
            person(1, name="", password="short", password_confirmation="shirt", client_id=999_999),
            person(2),
            person(3, email="OLGA@example.com"),
            person(4, name=5, active="yes", client_id="1"),
            person(5, password=..., password_confirmation=...),
            {},
        ],
    )
    assert [result["status"] for result in told] == [422, 201, 422, 422, 422, 422]
    assert told[0] == {
        "index": 0,
        "status": 422,
        "errors": {
            "name": ["can't be blank"],
            "password": ["is too short (minimum is 8 characters)"],
            "password_confirmation": ["doesn't match Password"],
            "client": ["must exist"],
        },
    }
    assert told[2]["errors"] == TAKEN
    assert told[3]["errors"] == {"name": ["is invalid"], "client_id": ["is invalid"], "active": ["is invalid"]}
    assert told[4]["errors"] == {"password": ["can't be blank"], "password_confirmation": ["can't be blank"]}
    assert list(told[5]["errors"]) == ["name", "email", "password", "password_confirmation"]
    assert list(User.objects.filter(email__endswith="@example.org").values_list("email", flat=True)) == [
        "p2@example.org"
    ]
    assert Event.objects.filter(action="user.created").count() == 1


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({"email": "no address"}, {"email": ["is invalid"]}),
        ({"email": "a" * 250 + "@example.org"}, {"email": ["is too long (maximum is 255 characters)"]}),
        ({"name": "x" * 256}, {"name": ["is too long (maximum is 255 characters)"]}),
        ({"password": "password", "password_confirmation": "password"}, {"password": ["is too common"]}),
        (
            {"name": "Nina Newcomer", "password": "newcomer1", "password_confirmation": "newcomer1"},
            {"password": ["is too similar to the name"]},
        ),
        ({"must_change_password": 1}, {"must_change_password": ["is invalid"]}),
    ],
)
def test_the_rules_are_those_of_one_user(cast, values, errors):
    (told,) = results(cast, [person(1, **values)])
    one = caller(cast.administrator).post("/users", person(1, **values))
    assert told["errors"] == errors == one.json()["errors"]


@pytest.mark.parametrize("item", [None, "person", 5, True, [], [person()], 1.5])
def test_what_is_no_object_is_a_fault_of_that_item(cast, item):
    told = results(cast, [item, person(1)])
    assert told[0] == {"index": 0, "status": 422, "errors": {"base": ["is invalid"]}}
    assert told[1]["status"] == 201


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, "can't be blank"),
        ({"users": None}, "can't be blank"),
        ({"users": []}, "can't be blank"),
        ({"users": {}}, "is invalid"),
        ({"users": "all"}, "is invalid"),
        ({"users": 5}, "is invalid"),
        ({"users": [{}] * 1001}, "is too long (maximum is 1000 entries)"),
    ],
)
def test_what_is_no_list_of_users_is_refused_whole(cast, body, fault):
    answer = caller(cast.administrator).post("/users/bulk", body)
    assert (answer.status_code, answer.json()) == (422, {"errors": {"users": [fault]}})


@pytest.mark.parametrize("value", ["", "yes", "1", "True", "null", "true,true"])
def test_every_fault_of_the_call_itself_is_told_at_once(cast, value):
    answer = post(cast, [], f"?atomic={value}&include=nope")
    assert answer.status_code == 422
    assert sorted(answer.json()["errors"]) == ["atomic", "include", "users"]
    assert answer.json()["errors"]["atomic"] == ["is invalid"]


def test_include_is_honoured(cast):
    (told,) = results(cast, [person(1)], "?include=role,username,active")
    assert list(told["user"]) == ["id", "name", "email", "client", "active", "username", "role"]
    assert told["user"]["username"] == "p1"


def test_unknown_keys_are_ignored(cast):
    extra = dict.fromkeys(["id", "client", "role", "is_superuser", "username", "email_verified", "reported"], 7)
    (told,) = results(cast, [person(1, client_id=cast.acme.pk, **extra)])
    made = User.objects.get(pk=told["user"]["id"])
    assert (made.is_superuser, made.username, made.email_verified) == (False, "p1", False)


@pytest.mark.parametrize("client_id", [0, -1, 987654321, 2**63, -(2**63) - 1, 10**400])
def test_no_number_but_a_clients_is_one(cast, client_id):
    told = results(cast, [person(1, client_id=client_id), person(2, client_id=cast.acme.pk)])
    assert told[0]["errors"] == {"client": ["must exist"]}
    assert told[1]["status"] == 201


# Among each other


def test_of_two_with_one_address_the_second_is_taken(cast):
    told = results(cast, [person(1), person(2, email=" P1@EXAMPLE.org ")])
    assert [result["status"] for result in told] == [201, 422]
    assert told[1]["errors"] == TAKEN


def test_an_address_that_was_refused_is_free_for_those_behind_it(cast):
    told = results(cast, [person(1, name=""), person(2, email="p1@example.org")])
    assert [result["status"] for result in told] == [422, 201]


def test_user_names_are_made_distinct(cast):
    told = results(cast, [person(n, email=f"olga@{n}.example.org") for n in range(3)], "?include=username")
    names = {result["user"]["username"].lower() for result in told}
    assert len(names | {"olga"}) == 4


# All or nothing


def test_all_are_made_where_none_has_a_fault(cast):
    assert [result["status"] for result in results(cast, [person(1), person(2)], "?atomic=true")] == [201, 201]
    assert [result["status"] for result in results(cast, [person(3), {}], "?atomic=false")] == [201, 422]


def test_nothing_is_made_where_any_has_a_fault_and_all_faults_are_told(cast):
    client = caller(cast.administrator)
    before = everything()
    sent = [
        person(1),
        person(2, email="olga@example.com", name=""),
        7,
        person(3, email="p1@example.org", client_id=999_999),
        person(4, password_confirmation="other"),
    ]
    answer = client.post("/users/bulk?atomic=true", {"users": sent})
    assert answer.status_code == 422
    assert answer.json() == {
        "errors": {
            "users[1].name": ["can't be blank"],
            "users[1].email": ["has already been taken"],
            "users[2]": ["is invalid"],
            "users[3].email": ["has already been taken"],
            "users[3].client": ["must exist"],
            "users[4].password_confirmation": ["doesn't match Password"],
        }
    }
    assert everything() == before


def test_no_password_is_hashed_where_nothing_will_be_made(cast, monkeypatch):
    monkeypatch.setattr(hashing, "hashed_all", pytest.fail)
    assert post(cast, [person(1), person(2, name="")], "?atomic=true").status_code == 422


# The duty to change a password


@pytest.mark.parametrize(("setting", "bound"), [("staff", False), ("always", True), ("never", False)])
def test_the_setting_says_whether_they_must_change_their_passwords(cast, settings, setting, bound):
    settings.CHOSEN_PASSWORDS_MUST_CHANGE = setting
    results(cast, [person(1), person(2, must_change_password=not bound)])
    assert User.objects.get(email="p1@example.org").must_change_password is bound
    assert User.objects.get(email="p2@example.org").must_change_password is not bound


# Many


def test_a_thousand_cost_as_many_queries_as_ten(cast):
    def queries(first, count):
        client = caller(cast.administrator)
        with CaptureQueriesContext(connection) as captured:
            answer = client.post(
                "/users/bulk", {"users": [person(n, client_id=cast.acme.pk) for n in range(first, first + count)]}
            )
        assert {result["status"] for result in answer.json()["results"]} == {201}
        return len([query for query in captured if not query["sql"].startswith("INSERT")])

    ten, thousand = queries(0, 10), queries(100, 1000)
    assert thousand == ten < 12
    assert User.objects.filter(email__endswith="@example.org").count() == 1010


def test_a_body_over_a_mebibyte_is_too_large(cast):
    answer = post(cast, [person(n, name="x" * 250, foo="x" * 1000) for n in range(1000)])
    assert (answer.status_code, answer.json()) == (413, {"error": "The request body is too large."})


def test_whoever_finds_all_turns_taken_is_told_when_to_come_back(cast):
    with hashing.turn(), hashing.turn():
        before = everything()[0]
        answer = post(cast, [person(1)])
        assert (answer.status_code, answer["Retry-After"]) == (429, "10")
        assert answer.json() == {"error": "Too many requests. Try again in 10 seconds."}
        assert [answer[f"RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset")] == ["2", "0", "10"]
        assert everything()[0] == before
    assert post(cast, [person(1)]).status_code == 200


def test_a_turn_is_given_back_whatever_happens(cast, monkeypatch):
    monkeypatch.setattr(hashing, "hashed_all", lambda chosen: 1 / 0)
    for _ in range(hashing.TURNS + 1):
        assert post(cast, [person(1)]).status_code == 500
    monkeypatch.undo()
    assert post(cast, [person(1)]).status_code == 200


# Hashing


def test_hashes_come_in_the_order_of_the_passwords():
    chosen = [f"password number {n}" for n in range(30)]
    stored = hashing.hashed_all([*chosen, None])
    assert all(passwords.verified(password, of) for password, of in zip(chosen, stored, strict=False))
    assert stored[-1].startswith("!")


def test_hashing_steps_back_behind_everything_else(monkeypatch):
    seen = set()

    def look(password):
        seen.add((threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))
        return "hash"

    monkeypatch.setattr(hashing, "make_password", look)
    usual = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    hashing.hashed_all(["x"] * 50)
    assert len({thread for thread, _ in seen}) <= cores()
    assert {niceness for _, niceness in seen} == {hashing.NICENESS}
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == usual


# Others get in between


def overtaken(monkeypatch, *meanwhile):
    """Make each thing happen after a look at what there is, and before what depends on it."""
    waiting = list(meanwhile)
    original = bulk._insert

    def insert(items, actor):
        if waiting:
            waiting.pop(0)()
        return original(items, actor)

    monkeypatch.setattr(bulk, "_insert", insert)


def test_an_address_that_is_taken_meanwhile_is_a_fault_of_that_item_alone(cast, monkeypatch):
    overtaken(monkeypatch, lambda: bulk.insert(actor=None, drafts=[bulk.Draft(name="Quick", email="P2@example.org")]))
    told = results(cast, [person(1), person(2), person(3)])
    assert [result["status"] for result in told] == [201, 422, 201]
    assert told[1]["errors"] == TAKEN
    assert User.objects.get(email="P2@example.org").name == "Quick"
    assert Event.objects.filter(action="user.created").count() == 3


def test_a_user_name_that_is_taken_meanwhile_is_nobodys_fault(cast, monkeypatch):
    def quick():
        monkeypatch.undo()
        bulk.insert(actor=None, drafts=[bulk.Draft(name="Quick", email="p2@elsewhere.example")])

    original = bulk._name

    def name(users):
        original(users)
        quick()

    monkeypatch.setattr(bulk, "_name", name)
    told = results(cast, [person(1), person(2)], "?include=username")
    assert [result["status"] for result in told] == [201, 201]
    assert told[1]["user"]["username"].startswith("p2-")


def test_who_is_overtaken_without_end_is_told_to_come_back(cast, monkeypatch):
    monkeypatch.setattr(bulk, "_insert", lambda items, actor: False)
    answer = post(cast, [person(1)])
    assert (answer.status_code, answer["Retry-After"], answer["RateLimit-Remaining"]) == (429, "1", "0")


def test_regular_users_may_not(cast):
    answer = caller(cast.owner).generic("POST", "/users/bulk", json.dumps({"users": [person(1)]}), "application/json")
    assert (answer.status_code, answer.json()) == (403, {"error": "You are not authorized to perform this action."})
    assert not User.objects.filter(email="p1@example.org").exists()


# Invitations


def test_those_who_are_invited_get_a_mail_and_no_password(cast):
    invited = person(2, password=..., password_confirmation=..., invite=True, client_id=cast.acme.pk)

    told = results(cast, [person(1), invited])

    assert [result["status"] for result in told] == [201, 201]
    user = User.objects.get(pk=told[1]["user"]["id"])
    assert not user.has_usable_password()
    assert [(mail.kind, mail.user, mail.address) for mail in Mail.objects.all()] == [
        ("invitation", user, "p2@example.org")
    ]
    assert Event.objects.filter(action="invitation.requested", target_id=user.pk).count() == 1


@pytest.mark.parametrize(
    ("changed", "errors"),
    [
        ({}, {"invite": ["can't be combined with a password"]}),
        ({"password": ..., "password_confirmation": ..., "active": False}, {"invite": ["needs an active user"]}),
        ({"password": ..., "password_confirmation": ..., "invite": "yes"}, {"invite": ["is invalid"]}),
    ],
)
def test_who_cannot_be_invited_is_refused_as_post_users_refuses(cast, changed, errors):
    body = person(1, **{"invite": True, **changed})

    told = results(cast, [body])

    assert told == [{"index": 0, "status": 422, "errors": told[0]["errors"]}]
    assert {name: told[0]["errors"].get(name) for name in errors} == errors
    assert told[0]["errors"] == caller(cast.administrator).post("/users", body).json()["errors"]
    assert not Mail.objects.exists()


def test_where_nobody_is_made_nobody_is_invited(cast):
    invited = person(2, password=..., password_confirmation=..., invite=True)

    assert post(cast, [invited, person(3, email="no")], "?atomic=true").status_code == 422

    assert not Mail.objects.exists()


# Tokens that are bound to a client


def test_a_token_bound_to_a_client_makes_users_of_that_client_alone(cast, by_token):
    program = by_token(cast.administrator, client=cast.acme)
    inside = person(1, client_id=cast.acme.pk)

    answer = program.post("/users/bulk", {"users": [inside]})
    assert [result["status"] for result in answer.json()["results"]] == [201]

    users, clients, _ = everything()
    for outside in ({"client_id": cast.globex.pk}, {"client_id": None}, {"client_id": ...}, {"client_id": "x"}):
        answer = program.post("/users/bulk", {"users": [person(2, client_id=cast.acme.pk), person(3, **outside)]})
        assert (answer.status_code, answer.json()) == (403, {"error": "You are not authorized to perform this action."})
    # The token's own use is kept, at most; the refusals are in the trail.
    assert everything()[:2] == (users, clients)
    assert Event.objects.filter(action="change.refused").count() == 4
