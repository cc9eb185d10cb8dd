"""`import_users` where the user of a row is there already."""

import pytest

from accounts.management import runs
from accounts.models import Event, User
from accounts.services import bulk, users
from accounts.services import importing as service
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.imports import importing, lines, person
from accounts.tests.test_hashers import SOUND


@pytest.fixture
def ida(cast):
    """A user of Acme whom each of three keys finds."""
    return UserFactory(name="Ida", email="ida@example.com", username="ida.x", external_id="7", client=cast.acme)


KEYS = [{"email": "IDA@example.com"}, {"username": "Ida.X"}, {"external_id": "7"}]


def row(key, **values):
    return {"name": "Ida Two", "email": "new@example.org", "client": "Acme", "nickname": "idi"} | key | values


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    ("on_conflict", "code", "said"), [("fail", 1, "1 created, 1 refused"), ("skip", 0, "1 created, 1 skipped")]
)
def test_whoever_is_there_stays_as_they_are(ida, tmp_path, key, on_conflict, code, said):  # noqa: PLR0917
    done = importing(tmp_path / "a.jsonl", lines(row(key), person(1)), on_conflict=on_conflict)
    assert (done.code, done.said.startswith(said)) == (code, True)
    assert done.faults == ({1: [(next(iter(key)), "taken")]} if code else {})
    assert User.objects.get(pk=ida.pk).name == "Ida"
    assert not User.objects.filter(email="new@example.org").exists()


@pytest.mark.parametrize("key", KEYS)
def test_an_update_changes_what_the_row_says_and_tells_the_trail(ida, tmp_path, key):
    done = importing(tmp_path / "a.jsonl", lines(row(key, roles=["bot"]), person(1)), on_conflict="update")
    assert (done.code, done.said) == (0, "1 created, 1 updated.\n")
    changed = User.objects.get(pk=ida.pk)
    assert (changed.name, changed.nickname, changed.bio) == ("Ida Two", "idi", "")
    assert (changed.email, changed.username, changed.external_id) == (
        key.get("email", "new@example.org"), key.get("username", "ida.x"), "7",
    )  # fmt: skip
    (event,) = Event.objects.filter(action="user.updated")
    assert (event.target_id, event.changes["name"], event.contract) == (ida.pk, ["Ida", "Ida Two"], "command")
    again = importing(tmp_path / "a.jsonl", lines(row(key, roles=["bot"])), on_conflict="update")
    assert again.said == "1 unchanged.\n"
    assert Event.objects.filter(action="user.updated").count() == 1


def test_a_row_for_somebody_who_is_there_need_not_be_whole(ida, tmp_path):
    content = "external_id,client,nickname,bio\n7,Acme,idi,\n8,Acme,x,\n"
    done = importing(tmp_path / "a.csv", content, on_conflict="update")
    assert done.faults == {3: [("name", "blank"), ("email", "blank")]}
    assert (done.said.startswith("1 updated"), User.objects.get(pk=ida.pk).nickname) == (True, "idi")


@pytest.mark.parametrize(
    ("values", "faults"),
    [
        ({"email": "stan@example.com", "external_id": "7"}, [("email", "taken"), ("external_id", "taken")]),  # of two
        ({"email": "ida@example.com", "username": "olga"}, [("email", "taken"), ("username", "taken")]),
        ({"email": "ida@example.com", "nickname": "x" * 200}, [("nickname", "too_long")]),
        ({"email": "ida@example.com", "roles": ["king"]}, [("roles", "unknown_role")]),
        ({"email": "ida@example.com", "bio": 5}, [("bio", "wrong_type"), ("email", "taken")]),
        ({"email": "otto@example.com"}, [("client", "of_other_client")]),  # of another client
        ({"email": "ada@example.com"}, [("client", "of_other_client")]),  # an administrator
        ({"email": "ida@example.com", "client": None}, [("client", "missing"), ("email", "taken")]),
        ({"email": "ida@example.com", "client": "Nobody's"}, [("client", "must_exist"), ("email", "taken")]),
    ],
)
def test_an_update_that_breaks_a_rule_is_refused(ida, tmp_path, values, faults):
    before = list(User.objects.order_by("pk").values())
    done = importing(tmp_path / "a.jsonl", lines({"name": "Ida", "client": "Acme"} | values), on_conflict="update")
    assert (done.code, done.faults) == (1, {1: faults})
    assert list(User.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("secret", [{"password": "another long one"}, {"password_hash": SOUND}])
def test_an_update_never_touches_a_password(ida, tmp_path, secret):
    rows = lines(row(KEYS[0], **secret))
    assert importing(tmp_path / "a.jsonl", rows, on_conflict="update").said == "1 updated.\n"
    changed = User.objects.get(pk=ida.pk)
    assert changed.check_password(PASSWORD)
    assert not changed.must_change_password


def test_the_last_administrator_is_not_lost(cast, tmp_path):
    users.delete(actor=None, user_id=cast.spare.pk)
    rows = lines({"name": "Ada", "email": "ada@example.com", "active": False})
    done = importing(tmp_path / "a.jsonl", rows, on_conflict="update", administrators=True)
    assert done.faults == {1: [(None, "last_administrator")]}
    assert User.objects.get(email="ada@example.com").is_active


@pytest.mark.parametrize(
    ("on_conflict", "said", "faults", "name"),
    [
        ("fail", "1 created, 2 refused", {2: [("email", "taken")], 3: [("email", "taken")]}, "First"),
        ("skip", "1 created, 2 skipped", {}, "First"),
        ("update", "1 created, 2 updated", {}, "Third"),
    ],
)
def test_a_row_may_be_in_the_way_of_another(cast, tmp_path, on_conflict, said, faults, name):  # noqa: PLR0917
    rows = [person(1, name=name) for name in ("First", "Second", "Third")]
    done = importing(tmp_path / "a.jsonl", lines(*rows), on_conflict=on_conflict)
    assert (done.said.startswith(said), done.faults) == (True, faults)
    assert User.objects.get(email="p1@example.org").name == name


def test_a_dry_run_of_an_update_tells_the_same_and_changes_nothing(ida, tmp_path):
    rows = lines(row(KEYS[0]), row({"email": "otto@example.com"}))
    done = importing(tmp_path / "a.jsonl", rows, on_conflict="update", dry_run=True)
    assert (done.said.startswith("Would be: 1 updated, 1 refused"), done.faults) == (
        True,
        {2: [("client", "of_other_client")]},
    )
    assert (User.objects.get(pk=ida.pk).name, Event.objects.count()) == ("Ida", 0)


def test_ids_in_another_system_are_those_of_a_client(ida, cast, tmp_path):
    rows = [person(1, external_id="7", client="Globex"), person(2, external_id="7"),
            {"name": "A", "email": "a@example.org", "external_id": "7"},
            {"name": "B", "email": "b@example.org", "external_id": "7"}]  # fmt: skip
    done = importing(tmp_path / "a.jsonl", lines(*rows), administrators=True)
    assert done.faults == {2: [("external_id", "taken")], 4: [("external_id", "taken")]}


def looks(monkeypatch):
    """The fields by which each batch looks for who is there, as the batches are taken."""
    seen = []
    take, owners = service.take, bulk._owners

    def taking(run, rows, **options):
        seen.append(set())
        return take(run, rows, **options)

    def looking(field, keys):
        seen[-1].add(field)
        return owners(field, keys)

    monkeypatch.setattr(service, "take", taking)
    monkeypatch.setattr(bulk, "_owners", looking)
    return seen


def test_rows_are_looked_up_where_somebody_was_in_the_way_and_for_some_batches_after(ida, tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "BATCH", 2)
    monkeypatch.setattr(service, "LOOKED_UP", 3)
    rows = [person(n) for n in range(1, 15)]
    rows[3] = person(4, email="ida@example.com")
    seen = looks(monkeypatch)
    assert importing(tmp_path / "a.jsonl", lines(*rows)).faults == {4: [("email", "taken")]}
    assert [bool(fields) for fields in seen] == [False, True, True, True, False, False, False]
    assert User.objects.filter(email__endswith="@example.org").count() == 13


def test_what_a_refused_row_has_of_somebody_is_told_though_nothing_was_looked_up(ida, tmp_path, monkeypatch):
    rows = [
        person(1, external_id="1"),
        person(1, username="ida.x"),
        person(2, email="ida@example.com", bio=5),
        person(3),
    ]
    done = importing(tmp_path / "a.jsonl", lines(*rows))
    assert done.faults == {
        2: [("email", "taken"), ("username", "taken")],
        3: [("bio", "wrong_type"), ("email", "taken")],
    }


def test_of_who_shares_something_with_a_refused_row_all_is_told_that_somebody_has(ida, tmp_path):
    UserFactory(email="free@example.net", username="free")
    rows = [person(1, email="ida@example.com", username="free"), person(2, email="ida@example.com")]
    done = importing(tmp_path / "a.jsonl", lines(*rows))
    assert done.faults == {1: [("email", "taken"), ("username", "taken")], 2: [("email", "taken")]}
