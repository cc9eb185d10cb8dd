"""What happens when requests arrive at once: threads with connections of their own, on either database.

Each race starts at a barrier and is run a few times; what is asserted holds whoever wins.
"""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial, wraps

import pytest
from django.db import connection, connections

from accounts import trail
from accounts.models import (
    ApiToken,
    Event,
    Mail,
    Membership,
    OneTimeToken,
    Relationship,
    SignIn,
    SignInAddress,
    Team,
    Transactable,
    User,
    UserProfile,
)
from accounts.services import users
from accounts.tests.callers import caller, sign_in_or_not, tokens_of
from accounts.tests.factories import PASSWORD, AdministratorFactory, UserFactory
from clients.models import Client
from clients.tests.factories import ClientFactory

pytestmark = pytest.mark.django_db(transaction=True)

CROWD = 12
_RECORDS = (UserProfile, Relationship, Transactable)
_OF_USERS = (ApiToken, SignIn, SignInAddress, Mail, OneTimeToken, Membership, *_RECORDS, User.groups.through)
SECONDS = 30  # for all to reach the barrier; whoever does not has died


def at_once(*calls):
    """The results of calls that all start at one moment, each in a thread with a connection of its own."""
    barrier = threading.Barrier(len(calls))

    def run(call):
        try:
            connection.ensure_connection()  # so that the race is for rows and not for connections
            barrier.wait(SECONDS)
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as threads:
        return [future.result() for future in [threads.submit(run, call) for call in calls]]


def posting(client, path, body):
    return lambda: client.post(path, body)


def administrators():
    """Two, and nobody else."""
    return AdministratorFactory(email="ada@example.com"), AdministratorFactory(email="sam@example.com")


def repeated(number=3):
    """Runs a test so many times, each time in an empty directory; far quicker than a test each."""

    def decorate(test):
        @wraps(test)
        def run(*arguments, **options):
            for _ in range(number):
                with trail.opened(trail.EMPTYING):
                    for model in (*_OF_USERS, User, Team, Client, Event):
                        model._base_manager.all()._raw_delete(connection.alias)
                test(*arguments, **options)

        return run

    return decorate


@repeated()
def test_of_twelve_who_make_one_user_one_does():
    ada, sam = administrators()
    body = {"name": "Nina", "password": PASSWORD, "password_confirmation": PASSWORD}
    spellings = ["nina@example.com", "Nina@Example.com", "NINA@EXAMPLE.COM"] * (CROWD // 3)
    answers = at_once(
        *(posting(caller((ada, sam)[n % 2]), "/users", body | {"email": email}) for n, email in enumerate(spellings))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: CROWD - 1}
    assert all(
        answer.json() == {"errors": {"email": ["has already been taken"]}}
        for answer in answers
        if answer.status_code == 422
    )
    assert User.objects.with_email("nina@example.com").count() == 1
    assert Event.objects.filter(action="user.created").count() == 1


@repeated()
def test_twelve_whose_addresses_make_one_user_name_get_one_each():
    ada, _ = administrators()
    body = {"name": "Nina", "password": PASSWORD, "password_confirmation": PASSWORD}
    answers = at_once(
        *(posting(caller(ada), "/users", body | {"email": f"nina@{n}.example.com"}) for n in range(CROWD))
    )
    assert [answer.status_code for answer in answers] == [201] * CROWD
    names = list(User.objects.filter(name="Nina").values_list("username_canonical", flat=True))
    assert len(set(names)) == CROWD
    assert all(name.startswith("nina") for name in names)
    assert Event.objects.filter(action="user.created").count() == CROWD


REMOVALS = {
    "delete": lambda client, user, acme: client.delete(f"/users/{user.pk}"),
    "demote": lambda client, user, acme: client.patch(f"/users/{user.pk}", {"client_id": acme.pk}),
    "deactivate": lambda client, user, acme: client.patch(f"/users/{user.pk}", {"active": False}),
}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("delete", "delete"),
        ("demote", "demote"),
        ("deactivate", "deactivate"),
        ("delete", "demote"),
        ("demote", "deactivate"),
    ],
)
@repeated()
def test_of_two_administrators_who_remove_each_other_one_stays(first, second):
    ada, sam = administrators()
    acme = ClientFactory()
    as_ada, as_sam = caller(ada), caller(sam)
    answers = at_once(
        lambda: REMOVALS[first](as_ada, sam, acme),
        lambda: REMOVALS[second](as_sam, ada, acme),
    )
    assert User.objects.active_administrators().count() == 1
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert won.status_code == (204 if (first if won is answers[0] else second) == "delete" else 200)
    # Whoever was removed before the own request was looked at is nobody, or no administrator, by then.
    assert lost.status_code in (401, 403, 422)
    if lost.status_code == 422:
        assert lost.json() == {"errors": {"base": ["must leave at least one active administrator"]}}


@repeated()
def test_of_two_who_remove_themselves_one_stays():
    """The same through the services, where no authentication decides it beforehand."""
    ada, sam = administrators()
    acme = ClientFactory()

    def removal(work):
        def call():
            try:
                work()
            except Exception as error:  # what it is, is asserted
                return repr(error)
            return None

        return call

    results = at_once(
        removal(lambda: users.delete(actor=ada, user_id=ada.pk)),
        removal(lambda: users.update(actor=sam, user_id=sam.pk, client_id=acme.pk)),
    )
    assert sorted(results, key=str) == [
        "Invalid('The directory must leave at least one active administrator')",
        None,
    ]
    assert User.objects.active_administrators().count() == 1


@repeated()
def test_of_twelve_who_refresh_one_token_one_does():
    user = UserFactory()
    refresh = tokens_of(user).refresh
    answers = at_once(*(posting(caller(), "/auth/token/refresh", {"refresh": refresh}) for _ in range(CROWD)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: CROWD - 1}
    refusals = [answer.json() for answer in answers if answer.status_code == 401]
    assert refusals == [{"error": "The token is invalid or has expired."}] * (CROWD - 1)
    # The token was copied, as far as anyone can tell: the sign-in is over, and told once.
    assert SignIn.objects.get().ended_at is not None
    assert Event.objects.filter(action="sign_in.token_reused").count() == 1


@repeated()
def test_of_twelve_who_change_the_version_that_they_read_one_does():
    ada, sam = administrators()
    user = UserFactory(name="Before")
    editors = [caller((ada, sam)[n % 2]) for n in range(CROWD)]
    tag = editors[0].get(f"/users/{user.pk}")["ETag"]
    answers = at_once(
        *(
            lambda n=n, editor=editor: editor.patch(
                f"/users/{user.pk}", {"name": f"Editor {n}"}, headers={"If-Match": tag}
            )
            for n, editor in enumerate(editors)
        )
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: CROWD - 1}
    (winner,) = [n for n, answer in enumerate(answers) if answer.status_code == 200]
    after = User.objects.get(pk=user.pk)
    assert (after.name, after.version) == (f"Editor {winner}", 2)
    assert {answer["ETag"] for answer in answers} == {'"2"'}
    assert Event.objects.filter(action="user.updated").count() == 1


@repeated()
def test_changes_of_different_fields_all_stay():
    ada, sam = administrators()
    user = UserFactory(name="Before", email="before@example.com")
    editors = [caller((ada, sam)[n % 2]) for n in range(3)]
    answers = at_once(
        lambda: editors[0].patch(f"/users/{user.pk}", {"name": "After"}),
        lambda: editors[1].patch(f"/users/{user.pk}", {"email": "after@example.com"}),
        lambda: editors[2].patch(f"/users/{user.pk}", {"active": False}),
    )
    assert [answer.status_code for answer in answers] == [200] * 3
    after = User.objects.get(pk=user.pk)
    assert (after.name, after.email, after.is_active, after.version) == ("After", "after@example.com", False, 4)
    assert after.search_text == f"after\nafter@example.com\n{after.username_canonical}"


@repeated()
def test_changes_of_what_is_in_the_row_alone_all_stay_and_the_trail_tells_each_once():
    user = UserFactory(name="Before")
    sent = [{field: f"{field} {n}"} for n in range(CROWD // 3) for field in ("name", "nickname", "bio")]
    at_once(*(partial(users.update, actor=None, user_id=user.pk, **values) for values in sent))
    after = User.objects.get(pk=user.pk)
    assert after.version == 1 + CROWD
    told = list(Event.objects.filter(action="user.updated").order_by("pk").values_list("changes", flat=True))
    assert sorted(str({field: new for field, (_, new) in changes.items()}) for changes in told) == sorted(
        map(str, sent)
    )
    for field in ("name", "nickname", "bio"):
        chain = [changes[field] for changes in told if field in changes]
        assert chain[0][0] == getattr(user, field)
        assert sorted(before for before, _ in chain[1:]) == sorted(
            new for _, new in chain if new != getattr(after, field)
        )


@repeated(6)
def test_a_client_that_is_deleted_while_users_come_never_leaves_one_alone():
    ada, sam = administrators()
    acme = ClientFactory()
    body = {"name": "Nina", "password": PASSWORD, "password_confirmation": PASSWORD, "client_id": acme.pk}
    moved = UserFactory()
    as_ada, as_sam = caller(ada), caller(sam)
    *comings, removal = at_once(
        *(posting(caller(ada), "/users", body | {"email": f"nina{n}@example.com"}) for n in range(3)),
        lambda: as_ada.patch(f"/users/{moved.pk}", {"client_id": acme.pk}),
        lambda: as_sam.delete(f"/clients/{acme.pk}"),
    )
    # On SQLite the first writer has finished before the next one begins; either order is fine.
    if removal.status_code == 204:
        assert not Client.objects.filter(pk=acme.pk).exists()
        assert {answer.status_code for answer in comings} == {422}
        assert all(answer.json() == {"errors": {"client": ["must exist"]}} for answer in comings)
    else:
        assert (removal.status_code, removal.json()) == (
            422,
            {"errors": {"base": ["can't be deleted while it has users"]}},
        )
        assert Client.objects.filter(pk=acme.pk).exists()
        assert {answer.status_code for answer in comings} <= {200, 201}
    assert set(User.objects.exclude(client=None).values_list("client_id", flat=True)) <= set(
        Client.objects.values_list("pk", flat=True)
    )
    assert User.objects.filter(client=None).count() == 2


@repeated(6)
def test_whoever_is_deleted_while_signing_in_leaves_no_sign_in_and_no_error():
    user = UserFactory(email="olga@example.com")
    sign_in = partial(sign_in_or_not, "olga@example.com")
    results = at_once(sign_in, sign_in, sign_in, lambda: users.delete(actor=None, user_id=user.pk))
    assert not User.objects.filter(pk=user.pk).exists()
    assert not SignIn.objects.filter(user_id=user.pk).exists()
    told = Counter(Event.objects.filter(action__startswith="sign_in.").values_list("action", flat=True))
    assert told["sign_in.succeeded"] == len([result for result in results if result is not None])


@repeated()
def test_of_twelve_who_make_one_client_one_does():
    ada, sam = administrators()
    answers = at_once(*(posting(caller((ada, sam)[n % 2]), "/clients", {"name": "Acme"}) for n in range(CROWD)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: CROWD - 1}
    assert {str(answer.json()) for answer in answers if answer.status_code == 422} == {
        str({"errors": {"name": ["has already been taken"]}})
    }
    assert Client.objects.count() == 1
