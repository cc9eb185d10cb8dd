"""Every write to clients: what it makes, what it refuses, what it leaves alone."""

import pytest

from accounts.models import Event
from clients.models import Client
from clients.services import clients
from clients.tests.factories import ClientFactory
from usermgmt import audit
from usermgmt.errors import BASE, Fault, Forbidden, Invalid, NotFound, Stale

TOO_LONG = Fault("name", "too_long", {"maximum": 255})
BLANK = Fault("name", "blank")
TAKEN = Fault("name", "taken")


def faults(service, **values):
    with pytest.raises(Invalid) as refusal:
        service(actor=None, **values)
    return list(refusal.value.faults)


def told():
    return list(Event.objects.order_by("id").values_list("action", "actor_id", "target_kind", "target_id", "changes"))


def test_a_client_is_made_trimmed_and_told(cast):
    made = clients.create(actor=cast.administrator, name="  Initech ")
    stored = Client.objects.get(pk=made.pk)
    assert (stored.name, stored.name_folded, stored.version) == ("Initech", "initech", 1)
    assert told() == [("client.created", cast.administrator.pk, "client", made.pk, {"name": [None, "Initech"]})]


BAD_NAMES = [
    ("", BLANK),
    (" \t ", BLANK),
    ("\N{ZERO WIDTH SPACE}", BLANK),
    ("x" * 256, TOO_LONG),
    ("\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 15, TOO_LONG),  # one letter folds to eighteen
    ("x" * 1_000_000, TOO_LONG),
    ("a\u0315\u0300" * 300_000, TOO_LONG),  # folding it would take minutes
    ("In\nitech", Fault("name", "invalid")),
    ("Initech\0", Fault("name", "invalid")),
    ("ACME", TAKEN),
    (" acme ", TAKEN),
    ("ａｃｍｅ", TAKEN),
]


@pytest.mark.parametrize(("name", "fault"), BAD_NAMES, ids=lambda value: repr(value)[:20])
def test_a_bad_name_is_refused_on_making_and_on_renaming(cast, name, fault):
    assert faults(clients.create, name=name) == [fault]
    assert faults(clients.update, client_id=cast.globex.pk, name=name) == [fault]
    assert sorted(Client.objects.values_list("name", flat=True)) == ["Acme", "Globex"]
    assert told() == []


def test_many_are_made_as_one_is(cast):
    made = clients.create_all(actor=cast.administrator, names=[" Initech", "Umbrella "])
    assert [client.name for client in made] == ["Initech", "Umbrella"]
    assert list(Client.objects.filter(name_folded__in=["initech", "umbrella"])) == made
    assert told() == [
        ("client.created", cast.administrator.pk, "client", client.pk, {"name": [None, client.name]}) for client in made
    ]


@pytest.mark.parametrize(("name", "fault"), [*BAD_NAMES, ("Initech", TAKEN), ("ACME", TAKEN)])
def test_of_many_with_a_bad_one_none_is_made(cast, name, fault):
    assert faults(clients.create_all, names=["Initech", name, "Umbrella"]) == [fault]
    assert not Client.objects.filter(name_folded__in=["initech", "umbrella"]).exists()
    assert told() == []


def test_many_are_refused_to_whom_one_would_be(cast):
    with pytest.raises(Forbidden):
        clients.create_all(actor=cast.owner, names=["Initech"])


def test_the_longest_name_is_fine(db):
    assert clients.create(actor=None, name="x" * 255).name == "x" * 255


def test_what_the_contract_found_is_told_with_it_and_not_judged_twice(db):
    assert faults(clients.create, name="", reported=[Fault("name", "invalid")]) == [Fault("name", "invalid")]
    assert faults(clients.create, name="", reported=[Fault("x", "invalid")]) == [Fault("x", "invalid"), BLANK]


def test_a_client_is_renamed_and_told(cast):
    renamed = clients.update(actor=cast.administrator, client_id=cast.acme.pk, name=" Acme Corp ")
    stored = Client.objects.get(pk=cast.acme.pk)
    assert (stored.name, stored.name_folded, stored.version) == ("Acme Corp", "acme corp", 2)
    assert (renamed.version, renamed.updated_at) == (2, stored.updated_at)
    assert stored.updated_at > cast.acme.updated_at
    assert told() == [
        ("client.updated", cast.administrator.pk, "client", cast.acme.pk, {"name": ["Acme", "Acme Corp"]})
    ]


def test_the_case_of_the_own_name_may_change(cast):
    assert clients.update(actor=None, client_id=cast.acme.pk, name="ACME").name == "ACME"
    assert told()[0][4] == {"name": ["Acme", "ACME"]}


@pytest.mark.parametrize("name", [None, "Acme", " Acme "])
def test_what_is_there_already_changes_nothing(cast, name):
    assert clients.update(actor=None, client_id=cast.acme.pk, name=name).version == 1
    assert Client.objects.get(pk=cast.acme.pk).updated_at == cast.acme.updated_at
    assert told() == []


def test_a_client_without_users_is_deleted_and_told(db):
    client = ClientFactory(name="Initech")
    clients.delete(actor=None, client_id=client.pk)
    assert not Client.objects.exists()
    assert told() == [("client.deleted", None, "client", client.pk, {"name": ["Initech", None]})]


def test_a_client_with_users_stays_and_so_do_they(cast):
    assert faults(clients.delete, client_id=cast.acme.pk) == [Fault(BASE, "has_users")]
    assert cast.acme.users.count() == 3
    assert not cast.acme.users.filter(is_superuser=True).exists()
    assert told() == []


def test_its_users_are_asked_for_not_loaded(cast, django_assert_max_num_queries):
    with django_assert_max_num_queries(5) as queries:
        faults(clients.delete, client_id=cast.acme.pk)
    assert not any("password" in query["sql"] for query in queries)


@pytest.mark.parametrize("service", [clients.update, clients.delete])
@pytest.mark.parametrize("client_id", [0, -1, 999_999, 10**30])
def test_what_is_not_there_is_not_found(db, service, client_id):
    with pytest.raises(NotFound) as refusal:
        service(actor=None, client_id=client_id)
    assert refusal.value.kind == "client"


def test_a_stale_version_changes_nothing_and_tells_the_present_one(cast):
    clients.update(actor=None, client_id=cast.acme.pk, name="Newer")
    for work in (
        lambda: clients.update(actor=None, client_id=cast.acme.pk, name="Mine", versions={1}),
        lambda: clients.delete(actor=None, client_id=cast.acme.pk, versions=frozenset()),
    ):
        with pytest.raises(Stale) as refusal:
            work()
        assert refusal.value.version == 2
    assert Client.objects.get(pk=cast.acme.pk).name == "Newer"
    assert clients.update(actor=None, client_id=cast.acme.pk, name="Mine", versions={2}).version == 3


def test_a_race_that_the_check_did_not_see_ends_in_the_same_error(cast, monkeypatch):
    monkeypatch.setattr(clients, "check", lambda **values: [])
    assert faults(clients.create, name="ACME") == [TAKEN]
    assert faults(clients.create, name="  ") == [BLANK]
    assert faults(clients.update, client_id=cast.globex.pk, name="acme") == [TAKEN]
    assert told() == []


def test_a_user_who_came_between_the_look_and_the_deletion_keeps_the_client(cast, monkeypatch):
    monkeypatch.setattr("django.db.models.query.QuerySet.exists", lambda rows: False)
    assert faults(clients.delete, client_id=cast.acme.pk) == [Fault(BASE, "has_users")]
    assert Client.objects.filter(pk=cast.acme.pk).count() == 1


@pytest.mark.parametrize(
    "work",
    [
        lambda client: clients.create(actor=None, name="New"),
        lambda client: clients.update(actor=None, client_id=client.pk, name="New"),
        lambda client: clients.delete(actor=None, client_id=client.pk),
    ],
)
def test_without_its_audit_row_nothing_is_written(db, monkeypatch, work):
    client = ClientFactory()
    before = list(Client.objects.values())

    def failing(entries):
        raise RuntimeError("no room for the audit trail")

    monkeypatch.setattr(audit, "_writers", [failing])
    with pytest.raises(RuntimeError, match="no room"):
        work(client)
    assert list(Client.objects.values()) == before
