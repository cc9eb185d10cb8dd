"""Every write to users (DESIGN 2): what it makes, what it refuses, what it leaves alone."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import hashers, passwords
from accounts.models import Event, SignIn, User
from accounts.services import sign_ins, users
from accounts.tests.callers import tokens_of
from accounts.tests.factories import PASSWORD, UserFactory
from clients.models import Client
from usermgmt import audit
from usermgmt.errors import BASE, Fault, Forbidden, Invalid, InvalidToken, NotFound, Stale

GOOD = "a password nobody has"
BLANK_NAME, BLANK_EMAIL = Fault("name", "blank"), Fault("email", "blank")
TOO_LONG = {"maximum": 255}


def create(**values):
    return users.create(**{"actor": None, "client_id": None, "name": "Nina", "email": "nina@example.com"} | values)


def update(user, actor=None, **values):
    return users.update(actor=actor, user_id=user.pk, **values)


def faults(service, *args, **values):
    with pytest.raises(Invalid) as refusal:
        service(*args, **values)
    return list(refusal.value.faults)


def stored(user, *columns):
    return User.objects.values_list(*columns).get(pk=user.pk)


@pytest.fixture
def snapshot(db):
    """Asserts at the end of the block that no row of ours changed."""

    def rows():
        return [list(model.objects.order_by("pk").values()) for model in (User, Client, SignIn, Event)]

    class Unchanged:
        def __enter__(self):
            self.before = rows()

        def __exit__(self, *error):
            assert rows() == self.before

    return Unchanged


# Creating


def test_a_user_is_made_with_what_was_given(cast):
    user = users.create(
        actor=cast.administrator,
        client_id=cast.acme.pk,
        name="  Nina Simone ",
        email=" Nina@Example.com ",
        username="Nina.S",
        given_name="Nina",
        middle_name="Kathleen",
        family_name="Simone",
        password=GOOD,
        active=False,
        email_verified=True,
    )
    made = User.objects.get(pk=user.pk)
    assert (made.name, made.email, made.username) == ("Nina Simone", "Nina@Example.com", "Nina.S")
    assert (made.given_name, made.middle_name, made.family_name) == ("Nina", "Kathleen", "Simone")
    assert (made.client, made.is_superuser, made.is_staff) == (cast.acme, False, False)
    assert (made.is_active, made.email_verified) == (False, True)
    assert (made.version, made.token_version, made.last_login) == (1, 1, None)
    assert made.updated_at >= made.created_at
    assert passwords.verified(GOOD, made.password)


def test_of_no_client_it_is_an_administrator(db):
    made = create()
    assert (made.client, made.is_superuser, made.is_staff, made.is_active) == (None, True, True, True)


def test_its_audit_row_tells_who_and_what_but_no_secret(cast):
    user = create(actor=cast.administrator, client_id=cast.acme.pk, password=GOOD)
    event = Event.objects.get()
    assert (event.action, event.actor_id, event.target_kind, event.target_id) == (
        "user.created",
        cast.administrator.pk,
        "user",
        user.pk,
    )
    assert event.changes == {
        "name": [None, "Nina"],
        "email": [None, "nina@example.com"],
        "username": [None, "nina"],
        "client_id": [None, cast.acme.pk],
        "active": [None, True],
    }
    assert event.contract == "command"


def test_without_a_password_nobody_signs_in(db):
    user = create()
    assert not any(passwords.verified(text, user.password) for text in ("", user.password, "None"))


def test_an_imported_hash_is_kept_as_it_is(db):
    digest = hashers.imported("rails", "$2a$04$" + "a" * 21 + "u" + "b" * 31)
    assert stored(create(password_hash=digest), "password") == (digest,)


def test_every_fault_is_told_at_once(db):
    UserFactory(email="taken@example.com", username="taken")
    assert faults(create, name=" ", email="TAKEN@example.com ", username="TAKEN", password="short", client_id=999) == [
        Fault("client", "must_exist"),
        BLANK_NAME,
        Fault("email", "taken"),
        Fault("username", "taken"),
        Fault("password", "too_short", {"minimum": 8}),
    ]


def test_what_the_contract_found_is_told_with_it_and_not_judged_twice(db):
    reported = [Fault("email", "invalid"), Fault("include", "unknown_choice", {"choices": "x"})]
    assert faults(create, name="", email="", reported=reported) == [*reported, BLANK_NAME]
    assert User.objects.count() == 0


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"name": ""}, BLANK_NAME),
        ({"name": "\N{ZERO WIDTH SPACE}\N{NO-BREAK SPACE}"}, BLANK_NAME),
        ({"name": "x" * 256}, Fault("name", "too_long", TOO_LONG)),
        ({"name": "Nina\nBcc: all"}, Fault("name", "invalid")),
        ({"name": "Nina\N{LINE SEPARATOR}S"}, Fault("name", "invalid")),
        ({"given_name": "x" * 256}, Fault("given_name", "too_long", TOO_LONG)),
        ({"middle_name": "\x1b[31m"}, Fault("middle_name", "invalid")),
        ({"family_name": "x\t"}, Fault("family_name", "invalid")),
        ({"email": " "}, BLANK_EMAIL),
        ({"email": "nina"}, Fault("email", "invalid")),
        ({"email": "x" * 250 + "@example.com"}, Fault("email", "too_long", TOO_LONG)),
        ({"username": ""}, Fault("username", "blank")),
        ({"username": "x" * 256}, Fault("username", "too_long", TOO_LONG)),
        ({"username": "nina simone"}, Fault("username", "invalid")),
        ({"password": ""}, Fault("password", "blank")),
        ({"password": "x" * 129}, Fault("password", "too_long", {"maximum": 128})),
        ({"password": "password"}, Fault("password", "password_too_common")),
        (
            {"name": "Nina Simone", "password": "nina simone"},
            Fault("password", "password_too_similar", {"attribute": "name"}),
        ),
        ({"client_id": 999}, Fault("client", "must_exist")),
        ({"client_id": 0}, Fault("client", "must_exist")),
        ({"client_id": -1}, Fault("client", "must_exist")),
        ({"client_id": 10**30}, Fault("client", "must_exist")),
    ],
    ids=str,
)
def test_each_rule_refuses_with_its_own_fault_and_leaves_nothing(snapshot, values, fault):
    with snapshot():
        assert faults(create, **values) == [fault]


@pytest.mark.parametrize("length", [1, 255])
def test_the_longest_and_the_shortest_name_are_fine(db, length):
    assert create(name="x" * length).name == "x" * length


def test_the_policy_is_that_of_the_door(db):
    assert create(password="sechs6", password_policy=passwords.Policy(minimum=6)).pk
    assert faults(create, email="a@example.com", password="fünf5", password_policy=passwords.Policy(minimum=6)) == [
        Fault("password", "too_short", {"minimum": 6})
    ]


def test_passwords_are_hashed_before_the_transaction_begins(db, monkeypatch):
    """Hashing is slow on purpose; rows would stay locked meanwhile."""
    depth = []
    original = passwords.hashed
    outside = len(connection.savepoint_ids)
    monkeypatch.setattr(
        passwords, "hashed", lambda password: depth.append(len(connection.savepoint_ids)) or original(password)
    )
    user = create(password=GOOD)
    update(user, password="another good one")
    assert depth == [outside, outside]


# Names


def test_the_parts_alone_make_the_name(db):
    made = create(name="", given_name=" Nina ", middle_name="", family_name="Simone")
    assert (made.name, made.family_name) == ("Nina Simone", "Simone")


def test_a_name_that_is_given_stands_beside_its_parts(db):
    assert create(name="The High Priestess", given_name="Nina", family_name="Simone").name == "The High Priestess"


def test_the_name_that_is_made_keeps_the_rules(db):
    assert faults(create, name="", given_name="x" * 200, family_name="y" * 200) == [Fault("name", "too_long", TOO_LONG)]
    assert faults(create, name="", given_name=" ", family_name="") == [BLANK_NAME]


def test_changing_a_part_remakes_the_name_of_all_parts(db):
    user = create(name="Old", given_name="Nina", middle_name="K.", family_name="Simone")
    assert update(user, family_name="Waymon").name == "Nina K. Waymon"
    assert stored(user, "name", "family_name", "name_sorted") == ("Nina K. Waymon", "Waymon", "nina k. waymon")


def test_changing_the_name_alone_leaves_the_parts(db):
    user = create(name="", given_name="Nina", family_name="Simone")
    update(user, name="The High Priestess")
    assert stored(user, "name", "given_name", "family_name") == ("The High Priestess", "Nina", "Simone")


def test_changing_both_takes_both(db):
    user = create(name="", given_name="Nina", family_name="Simone")
    update(user, name="Eunice", family_name="Waymon")
    assert stored(user, "name", "given_name", "family_name") == ("Eunice", "Nina", "Waymon")


def test_taking_every_part_away_leaves_the_name(db):
    user = create(name="", given_name="Nina", family_name="Simone")
    update(user, given_name="", family_name="")
    assert stored(user, "name", "given_name", "family_name") == ("Nina Simone", "", "")


# User names


def test_a_user_name_is_made_from_the_e_mail(db):
    assert create(email="Nina.S+soul@example.com").username == "Nina.S-soul"


def test_a_second_one_of_the_same_gets_a_suffix(db):
    create(email="nina@example.com")
    second = create(email="NINA@example.org")
    assert re.fullmatch("NINA-[0-9a-f]{8}", second.username)


def test_a_reserved_one_gets_a_suffix(db):
    assert re.fullmatch("admin-[0-9a-f]{8}", create(email="admin@example.com").username)


def test_one_that_is_taken_between_the_look_and_the_insert_gets_a_suffix(db, monkeypatch):
    UserFactory(username="Nina", email="other@example.com")
    original = User.objects.get_queryset

    def blind():
        rows = original()
        rows.with_username = lambda username: rows.none()
        return rows

    monkeypatch.setattr(User.objects, "get_queryset", blind)
    monkeypatch.setattr(User.objects, "with_username", lambda username: original().none())
    assert re.fullmatch("nina-[0-9a-f]{8}", create().username)
    assert Event.objects.filter(action="user.created").count() == 1


def test_one_that_was_asked_for_is_refused_if_it_is_taken_without_regard_to_case(db):
    create(username="Nina")
    assert faults(create, email="n@example.com", username="nINA") == [Fault("username", "taken")]


def test_it_never_changes_by_itself(db):
    user = create()
    update(user, email="changed@example.com", name="Changed", given_name="C")
    assert stored(user, "username") == ("nina",)


def test_it_changes_when_asked_also_in_its_case_alone(db):
    user = create()
    assert update(user, username="NINA").username == "NINA"
    assert stored(user, "username", "username_canonical") == ("NINA", "nina")


# Changing: only what was sent


UPDATE = re.compile(r'UPDATE "accounts_user" SET (.*?) WHERE', re.DOTALL)


def written(work) -> set[str]:
    """The columns of users that `work` writes."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        work()
    statements = [match[1] for query in queries if (match := UPDATE.match(query["sql"]))]
    return {column for statement in statements for column in re.findall(r'"(\w+)" = ', statement)}


ALWAYS = {"version", "updated_at"}


@pytest.mark.parametrize(
    ("values", "columns"),
    [
        ({"name": "New"}, {"name", "name_sorted", "search_text"}),
        ({"given_name": "New"}, {"given_name", "name", "name_sorted", "search_text"}),
        ({"username": "new"}, {"username", "username_canonical", "search_text"}),
        ({"email": "OLGA@example.com"}, {"email", "email_canonical", "search_text"}),
        ({"email": "new@example.com"}, {"email", "email_canonical", "search_text", "token_version"}),
        ({"password": GOOD}, {"password", "token_version"}),
        ({"password": None}, {"password", "token_version"}),
        ({"active": False}, {"is_active", "token_version"}),
        ({"client_id": None}, {"client_id", "is_superuser", "token_version"}),
        ({"email_verified": True}, {"email_verified"}),
        ({"name": "New", "active": True}, {"name", "name_sorted", "search_text"}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "columns",
)
def test_only_what_was_sent_and_differs_is_written(cast, values, columns):
    assert written(lambda: update(cast.owner, **values)) == columns | ALWAYS


def test_what_somebody_else_changed_meanwhile_is_not_undone(cast, monkeypatch):
    """The row is read again under its lock."""
    original = users._locked

    def changed_meanwhile(*arguments, **options):
        User.objects.filter(pk=cast.owner.pk).update(given_name="Meanwhile", version=9)
        return original(*arguments, **options)

    monkeypatch.setattr(users, "_locked", changed_meanwhile)
    update(cast.owner, name="New")
    assert stored(cast.owner, "name", "given_name", "version") == ("New", "Meanwhile", 10)


@pytest.mark.parametrize(
    "values", [{}, {"name": "Olga Owner"}, {"name": " Olga Owner "}, {"active": True}, {"email": "olga@example.com"}]
)
def test_what_is_there_already_changes_nothing(cast, snapshot, values):
    with snapshot():
        assert written(lambda: update(cast.owner, **values)) == set()


def test_sending_back_the_own_client_changes_nothing(cast, snapshot):
    with snapshot():
        update(cast.owner, client_id=cast.acme.pk)
        update(cast.administrator, client_id=None)


def test_a_change_raises_the_version_and_the_time_and_the_object_tells_so(cast):
    before = stored(cast.owner, "updated_at")[0]
    user = update(cast.owner, name="New")
    assert stored(user, "version", "updated_at", "created_at") == (2, user.updated_at, cast.owner.created_at)
    assert (user.version, user.updated_at > before) == (2, True)
    assert update(cast.owner, name="Newer").version == 3


def test_the_audit_row_tells_before_and_after_of_what_changed(cast):
    update(cast.owner, cast.administrator, name="New", email="olga@example.com", active=False, client_id=cast.globex.pk)
    event = Event.objects.get()
    assert (event.action, event.actor_id, event.target_id) == ("user.updated", cast.administrator.pk, cast.owner.pk)
    assert event.changes == {
        "name": ["Olga Owner", "New"],
        "active": [True, False],
        "client_id": [cast.acme.pk, cast.globex.pk],
    }


def test_of_a_password_the_audit_row_tells_only_that_it_changed(cast):
    update(cast.owner, password=GOOD)
    assert Event.objects.get().changes == {"password": [None, None]}


# E-mail


def test_a_changed_address_is_unverified_again_and_the_audit_trail_says_so(cast):
    User.objects.filter(pk=cast.owner.pk).update(email_verified=True)
    update(cast.owner, email="new@example.com")
    assert stored(cast.owner, "email", "email_verified") == ("new@example.com", False)
    assert Event.objects.get().changes == {
        "email": ["olga@example.com", "new@example.com"],
        "email_verified": [True, False],
    }


def test_an_address_in_another_spelling_stays_verified_and_is_kept_as_given(cast):
    User.objects.filter(pk=cast.owner.pk).update(email_verified=True)
    update(cast.owner, email="Olga@Example.COM")
    assert stored(cast.owner, "email", "email_canonical", "email_verified", "token_version") == (
        "Olga@Example.COM",
        "olga@example.com",
        True,
        1,
    )


def test_whoever_sets_an_address_may_say_that_it_is_verified(cast):
    update(cast.owner, email="new@example.com", email_verified=True)
    assert stored(cast.owner, "email", "email_verified") == ("new@example.com", True)


def test_the_address_of_somebody_else_is_taken_in_any_case(cast, snapshot):
    with snapshot():
        assert faults(update, cast.owner, email="STAN@example.com") == [Fault("email", "taken")]


# What ends every token


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ({"password": GOOD}, True),
        ({"password": None}, True),
        ({"email": "new@example.com"}, True),
        ({"active": False}, True),
        ({"client_id": "globex"}, True),
        ({"client_id": None}, True),
        ({"name": "New"}, False),
        ({"given_name": "New"}, False),
        ({"username": "new"}, False),
        ({"email": "OLGA@EXAMPLE.COM"}, False),
        ({"email_verified": True}, False),
        ({"active": True}, False),
        ({"client_id": "acme"}, False),
    ],
    ids=str,
)
def test_exactly_these_changes_end_every_token(cast, values, ends):
    tokens = tokens_of(cast.owner)
    if isinstance(values.get("client_id"), str):
        values = {"client_id": getattr(cast, values["client_id"]).pk}
    update(cast.owner, **values)
    assert stored(cast.owner, "token_version") == (2 if ends else 1,)
    for token in (tokens.access, tokens.refresh):
        if ends:
            with pytest.raises(InvalidToken):
                sign_ins.verify(token=token)
        else:
            sign_ins.verify(token=token)


def test_whoever_is_activated_again_gets_no_old_token_back(cast):
    tokens = tokens_of(cast.owner)
    update(cast.owner, active=False)
    update(cast.owner, active=True)
    with pytest.raises(InvalidToken):
        sign_ins.verify(token=tokens.access)


def test_a_password_that_is_set_verifies_and_the_old_one_does_not(cast):
    update(cast.owner, password=GOOD)
    (digest,) = stored(cast.owner, "password")
    assert (passwords.verified(GOOD, digest), passwords.verified(PASSWORD, digest)) == (True, False)


def test_a_password_is_compared_with_the_values_sent_beside_it(cast):
    assert faults(update, cast.owner, name="Flamekeeper", password="flamekeeper") == [
        Fault("password", "password_too_similar", {"attribute": "name"})
    ]
    assert faults(update, cast.owner, password="olga@example.com")[0].code == "password_too_similar"


# Clients and roles


def test_a_client_that_is_none_any_more_cannot_be_given(cast, snapshot):
    gone = cast.globex.pk
    User.objects.filter(client=cast.globex).delete()
    cast.globex.delete()
    with snapshot():
        assert faults(update, cast.owner, client_id=gone) == [Fault("client", "must_exist")]


def test_a_client_makes_an_administrator_a_regular_user_and_null_the_reverse(cast):
    demoted = update(cast.spare, client_id=cast.acme.pk)
    assert (demoted.is_superuser, demoted.is_staff, demoted.client) == (False, False, cast.acme)
    assert stored(cast.spare, "is_superuser", "client_id") == (False, cast.acme.pk)
    update(cast.spare, client_id=None)
    assert stored(cast.spare, "is_superuser", "client_id") == (True, None)


@pytest.mark.parametrize("field", ["client_id", "active"])
def test_a_regular_user_may_send_back_what_is_there(cast, field):
    present = {"client_id": cast.acme.pk, "active": True}[field]
    assert update(cast.owner, cast.owner, name="New", **{field: present}).name == "New"


@pytest.mark.parametrize(
    "values", [{"client_id": None}, {"client_id": "globex"}, {"client_id": 999}, {"active": False}], ids=str
)
def test_a_regular_user_changes_neither_client_nor_state(cast, snapshot, values):
    if values.get("client_id") == "globex":
        values = {"client_id": cast.globex.pk}
    with snapshot(), pytest.raises(Forbidden):
        update(cast.owner, cast.owner, name="New", **values)


def test_what_could_not_be_read_of_them_is_forbidden_too(cast, snapshot):
    for field in ("client_id", "active"):
        with snapshot(), pytest.raises(Forbidden):
            update(cast.owner, cast.owner, reported=[Fault(field, "invalid")])


def test_forbidden_comes_before_invalid(cast):
    with pytest.raises(Forbidden):
        update(cast.owner, cast.owner, name="", active=False)


# The last administrator


@pytest.fixture
def last(cast):
    users.delete(actor=None, user_id=cast.spare.pk)
    Event.objects.create(action="mark", target_kind="user")
    return cast.administrator


LAST = [Fault(BASE, "last_administrator")]


def test_the_last_administrator_is_not_lost_by_any_way(cast, last, snapshot):
    with snapshot():
        assert faults(users.delete, actor=last, user_id=last.pk) == LAST
        assert faults(update, last, last, active=False) == LAST
        assert faults(update, last, last, client_id=cast.acme.pk) == LAST
        assert faults(update, last, None, client_id=cast.acme.pk, active=False) == LAST


def test_a_disabled_administrator_does_not_count(cast, last, snapshot):
    disabled = create(active=False)
    with snapshot():
        assert faults(users.delete, actor=None, user_id=last.pk) == LAST
    users.delete(actor=None, user_id=disabled.pk)  # nor is it missed
    assert not User.objects.filter(pk=disabled.pk).exists()


def test_the_last_administrator_may_change_everything_else(last):
    assert (
        update(last, last, name="New", email="new@example.com", password=GOOD, active=True, client_id=None).version == 2
    )


def test_with_another_one_each_may_go(cast):
    update(cast.spare, cast.administrator, active=False)
    update(cast.spare, cast.administrator, active=True)
    users.delete(actor=cast.spare, user_id=cast.administrator.pk)
    assert list(User.objects.active_administrators()) == [cast.spare]


# Versions


def test_a_stale_version_changes_nothing_and_tells_the_present_one(cast, snapshot):
    update(cast.owner, name="Newer")
    with snapshot():
        for work in (
            lambda: update(cast.owner, name="Mine", versions={1}),
            lambda: update(cast.owner, versions=frozenset()),
        ):
            with pytest.raises(Stale) as refusal:
                work()
            assert refusal.value.version == 2
        with pytest.raises(Stale):
            users.delete(actor=None, user_id=cast.owner.pk, versions={1})


def test_a_known_version_does(cast):
    assert update(cast.owner, name="New", versions={1, 7}).version == 2
    users.delete(actor=None, user_id=cast.owner.pk, versions={2})
    assert not User.objects.filter(pk=cast.owner.pk).exists()


def test_a_version_that_became_stale_after_the_check_is_found_under_the_lock(cast, monkeypatch):
    original = users._locked

    def changed_meanwhile(*arguments, **options):
        User.objects.filter(pk=cast.owner.pk).update(version=2)
        return original(*arguments, **options)

    monkeypatch.setattr(users, "_locked", changed_meanwhile)
    with pytest.raises(Stale):
        update(cast.owner, name="Mine", versions={1})
    assert stored(cast.owner, "name") == ("Olga Owner",)


# Deleting, and signing out


def test_a_deleted_user_is_gone_with_all_sign_ins_and_the_audit_trail_stays(cast):
    update(cast.owner, name="New")
    tokens = tokens_of(cast.owner)
    users.delete(actor=cast.administrator, user_id=cast.owner.pk)
    assert not User.objects.filter(pk=cast.owner.pk).exists()
    assert SignIn.objects.count() == 0
    with pytest.raises(InvalidToken):
        sign_ins.verify(token=tokens.access)
    deleted, updated = Event.objects.about("user", cast.owner.pk)
    assert (deleted.action, deleted.actor_id, updated.action) == ("user.deleted", cast.administrator.pk, "user.updated")
    assert deleted.changes == {
        "name": ["New", None],
        "email": ["olga@example.com", None],
        "username": ["olga", None],
        "client_id": [cast.acme.pk, None],
        "active": [True, None],
    }


def test_an_e_mail_of_a_deleted_user_is_free_again(cast):
    users.delete(actor=None, user_id=cast.owner.pk)
    assert create(email="olga@example.com").username == "olga"


def test_signing_out_ends_every_sign_in_and_leaves_the_version(cast):
    first, second, other = tokens_of(cast.owner), tokens_of(cast.owner), tokens_of(cast.stranger)
    users.sign_out(actor=cast.administrator, user_id=cast.owner.pk)
    for token in (first.access, first.refresh, second.access, second.refresh):
        with pytest.raises(InvalidToken):
            sign_ins.verify(token=token)
    sign_ins.verify(token=other.access)
    assert stored(cast.owner, "token_version", "version") == (2, 1)
    assert all(SignIn.objects.filter(user=cast.owner).values_list("ended_at", flat=True))
    event = Event.objects.get()
    assert (event.action, event.actor_id, event.target_id) == ("user.signed_out", cast.administrator.pk, cast.owner.pk)


def test_signing_out_leaves_when_earlier_sign_ins_ended(cast):
    tokens_of(cast.owner)
    SignIn.objects.update(ended_at=cast.owner.created_at - timedelta(days=1))
    users.sign_out(actor=None, user_id=cast.owner.pk)
    assert SignIn.objects.get().ended_at == cast.owner.created_at - timedelta(days=1)


@pytest.mark.parametrize("user_id", [0, -1, 999_999, 2**63 - 1, 10**30])
def test_who_is_not_there_is_not_found_and_nothing_is_told(snapshot, user_id):
    with snapshot():
        for service in (users.update, users.delete, users.sign_out):
            with pytest.raises(NotFound) as refusal:
                service(actor=None, user_id=user_id)
            assert refusal.value.kind == "user"


# One transaction


@pytest.fixture
def no_audit(cast):
    """The audit trail can't be written."""

    def failing(entries):
        raise RuntimeError("no room for the audit trail")

    (writer,) = audit._writers
    audit.keep_with(failing)
    yield
    audit.keep_with(writer)


@pytest.mark.parametrize(
    "work",
    [
        lambda cast: create(password=GOOD),
        lambda cast: create(username="own.name"),
        lambda cast: update(cast.owner, name="New", password=GOOD),
        lambda cast: users.delete(actor=None, user_id=cast.owner.pk),
        lambda cast: users.sign_out(actor=None, user_id=cast.owner.pk),
    ],
)
def test_without_its_audit_row_nothing_is_written(cast, no_audit, snapshot, work):
    tokens_of(cast.owner)
    with snapshot(), pytest.raises(RuntimeError, match="no room"):
        work(cast)


def test_a_refused_change_leaves_no_row_of_the_success_kind(cast):
    for work in (
        lambda: create(name=""),
        lambda: update(cast.owner, email=""),
        lambda: update(cast.owner, versions={9}),
    ):
        with pytest.raises((Invalid, Stale)):
            work()
    assert Event.objects.count() == 0


def test_the_last_administrator_keeps_a_password(cast):
    update(cast.spare, active=False)
    with pytest.raises(Invalid) as refusal:
        update(cast.administrator, password=None)
    assert refusal.value.faults == (Fault("base", "last_administrator"),)
    assert User.objects.get(pk=cast.administrator.pk).has_usable_password()
