"""What roles let a regular user do to others: the whole matrix of grants, acts and targets."""

import pytest
from django.contrib.auth.models import Group, Permission

from accounts import passwords
from accounts.grants import Grant
from accounts.models import User
from accounts.services import users
from accounts.tests.callers import api_token_of
from accounts.tests.factories import UserFactory
from accounts.tests.rows import unchanged
from accounts.tests.user_services import GOOD
from usermgmt.errors import DirectoryError, Forbidden, InvalidToken, NotFound

OVER_OTHERS = {Grant.EDIT, Grant.SET_ACTIVE, Grant.DELETE, Grant.VIEW}

CHANGES: dict[str, dict[str, object]] = {
    "name": {"name": "Changed"},
    "names": {"given_name": "C", "middle_name": "C", "family_name": "C"},
    "texts": {"nickname": "C", "bio": "C", "status_text": "C"},
    "custom fields": {"custom_fields": {"c": 1}},
    "e-mail": {"email": "changed@example.com"},
    "user name": {"username": "changed"},
    "password": {"password": GOOD},
    "no password": {"password": None},
    "random password": {"send_password": True},
    "verified": {"email_verified": True},
    "duty": {"must_change_password": True},
    "roles": {"roles": ["bot"]},
    "inactive": {"active": False},
    "inactive and name": {"active": False, "name": "Changed"},
    "client": {"client_id": "globex"},
    "administrator": {"client_id": None},
}
NEEDED = {
    "inactive": {Grant.SET_ACTIVE},
    "inactive and name": {Grant.SET_ACTIVE, Grant.EDIT},
    "client": None,
    "administrator": None,
}
"""What a change takes; EDIT where nothing is said, None: no grant is enough."""

TARGETS = ("stranger", "greater", "outsider", "administrator", "nobody")
SETS = {
    "none": set(),
    **{grant.value: {grant} for grant in Grant},
    "edit and activate": {Grant.EDIT, Grant.SET_ACTIVE},
    "all": set(Grant),
}


@pytest.fixture
def people(cast):
    """The cast, and somebody of the owner's client whose role allows what nobody is given here."""
    permission = Permission.objects.get(codename=Grant.UNLIMITED)
    Group.objects.create(name="chief").permissions.add(permission)
    cast.greater = UserFactory(client=cast.acme, email="gina@example.com")
    cast.greater.groups.add(Group.objects.get(name="chief"))
    cast.nobody = UserFactory.build(pk=987654)
    return cast


def granted(cast, allowed, *, more=False):
    """The owner with those grants; without what the greater user's role allows, unless `more`."""
    cast.owner.grants = frozenset(set(allowed) if more else set(allowed) - {Grant.UNLIMITED})
    return cast.owner


def came_of(act):
    """What an act is refused with; None: it was done."""
    try:
        act()
    except DirectoryError as error:
        return type(error)
    return None


def expected(allowed, needed, target):
    """None where it is done, else the refusal."""
    sees = bool(OVER_OTHERS & allowed)
    if target == "nobody" or (sees and target in ("outsider", "administrator")):
        return NotFound
    permitted = needed is not None and needed <= allowed and target == "stranger"
    return None if permitted else Forbidden


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("allowed", SETS)
def test_changes(people, allowed, change, target):
    actor, user = granted(people, SETS[allowed]), getattr(people, target)
    values = dict(CHANGES[change])
    if values.get("client_id") == "globex":
        values["client_id"] = people.globex.pk
    due = expected(set(actor.grants), NEEDED.get(change, {Grant.EDIT}), target)

    def act():
        users.update(actor=actor, user_id=user.pk, **values)

    if due is None:
        act()
        assert User.objects.get(pk=user.pk).version == user.version + 1
    else:
        with unchanged():
            assert came_of(act) is due


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("allowed", SETS)
def test_deletions(people, allowed, target):
    actor, user = granted(people, SETS[allowed]), getattr(people, target)
    due = expected(set(actor.grants), {Grant.DELETE}, target)
    if Grant.DELETE not in actor.grants:
        due = Forbidden  # whoever it is, and whether or not

    def act():
        users.delete(actor=actor, user_id=user.pk)

    if due is None:
        act()
        assert not User.objects.filter(pk=user.pk).exists()
    else:
        with unchanged():
            assert came_of(act) is due


@pytest.mark.parametrize("place", ["acme", "globex", None])
@pytest.mark.parametrize("allowed", SETS)
def test_creations(people, allowed, place):
    actor = granted(people, SETS[allowed])
    client_id = None if place is None else getattr(people, place).pk

    def act():
        users.create(actor=actor, client_id=client_id, name="Nina", email="nina@example.com", password=GOOD)

    if Grant.CREATE in actor.grants and place == "acme":
        act()
        assert User.objects.get(email="nina@example.com").client == people.acme
    else:
        with unchanged():
            assert came_of(act) is Forbidden


@pytest.mark.parametrize("allowed", SETS)
def test_who_is_seen(people, allowed):
    actor = granted(people, SETS[allowed])
    seen = set(User.objects.visible_to(actor))
    whole = set(User.objects.filter(client=people.acme))
    assert seen == (whole if OVER_OTHERS & set(actor.grants) else {people.owner})


# Oneself


@pytest.mark.parametrize(
    "values",
    [
        {"roles": ["chief"]},
        {"roles": ["guest"]},
        {"active": False},
        {"email_verified": True},
        {"must_change_password": True},
        {"send_password": True},
        {"client_id": None},
    ],
    ids=str,
)
def test_no_grant_lets_one_edit_oneself_into_more(people, values):
    actor = granted(people, set(Grant), more=True)
    with unchanged():
        assert came_of(lambda: users.update(actor=actor, user_id=actor.pk, **values)) is Forbidden


def test_oneself_is_changed_as_without_any_grant(people):
    actor = granted(people, {Grant.VIEW})
    users.update(actor=actor, user_id=actor.pk, name="Olga New", bio="Climbs.", password=GOOD)
    after = User.objects.get(pk=actor.pk)
    assert (after.name, after.bio) == ("Olga New", "Climbs.")
    assert passwords.verified(GOOD, after.password)


# Edges


def test_whoever_has_as_much_may_change_who_has_as_much(people):
    actor = granted(people, set(Grant), more=True)
    users.update(actor=actor, user_id=people.greater.pk, password=GOOD)
    assert passwords.verified(GOOD, User.objects.get(pk=people.greater.pk).password)
    users.delete(actor=actor, user_id=people.greater.pk)
    assert not User.objects.filter(pk=people.greater.pk).exists()


def test_what_is_sent_back_as_it_is_is_no_change(people):
    with unchanged():
        users.update(
            actor=granted(people, {Grant.EDIT}),
            user_id=people.stranger.pk,
            active=True,
            client_id=people.acme.pk,
            roles=["user"],
            email_verified=False,
        )


def test_what_could_not_be_read_counts_as_a_change(people):
    from usermgmt.errors import Fault

    actor = granted(people, {Grant.EDIT})
    with unchanged():
        for field in ("active", "client_id"):
            reported = [Fault(field, "invalid")]
            assert came_of(
                lambda told=reported: users.update(actor=actor, user_id=people.stranger.pk, reported=told)
            ) is (Forbidden)


def test_a_role_that_is_given_while_a_change_waits_is_seen_under_the_lock(people, monkeypatch):
    """Between the first look and the lock the user gets a role that allows more."""
    from accounts.services import checks

    faults_of = checks.faults_of

    def meanwhile(*arguments):
        User.objects.get(pk=people.stranger.pk).groups.add(Group.objects.get(name="chief"))
        return faults_of(*arguments)

    monkeypatch.setattr(checks, "faults_of", meanwhile)
    actor = granted(people, {Grant.EDIT})
    with unchanged():
        assert came_of(lambda: users.update(actor=actor, user_id=people.stranger.pk, password=GOOD)) is Forbidden


def test_a_token_bound_to_the_client_does_what_its_owner_may_there(people):
    actor = granted(people, {Grant.EDIT, Grant.CREATE})
    actor.scope_id, actor.token_id = people.acme.pk, api_token_of(actor, client=people.acme)[0].pk
    assert users.update(actor=actor, user_id=people.stranger.pk, name="Changed").name == "Changed"
    made = users.create(actor=actor, client_id=users.HOME, name="Nina", email="nina@example.com")
    assert made.client_id == people.acme.pk
    with unchanged():
        assert came_of(lambda: users.update(actor=actor, user_id=people.outsider.pk, name="Changed")) is NotFound
        assert came_of(lambda: users.update(actor=actor, user_id=actor.pk, password=GOOD)) is Forbidden


def test_an_administrators_bound_token_has_no_more_by_roles(people):
    actor = people.administrator
    actor.scope_id, actor.token_id = people.acme.pk, api_token_of(actor, client=people.acme)[0].pk
    with unchanged():
        assert came_of(lambda: users.update(actor=actor, user_id=people.outsider.pk, name="Changed")) is NotFound
        assert came_of(lambda: users.create(actor=actor, client_id=None, name="N", email="n@example.com")) is Forbidden


def test_who_was_signed_out_meanwhile_is_one_who_is_not_signed_in(people):
    actor = granted(people, set())
    users.sign_out(actor=None, user_id=actor.pk)
    with unchanged():
        assert came_of(lambda: users.update(actor=actor, user_id=actor.pk, name="Changed")) is InvalidToken
