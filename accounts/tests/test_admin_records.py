"""The admin site's pages of the records of users: profiles, relationships, transactables."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Event, RecordType, Relationship, Transactable, User, UserProfile
from accounts.services import record_types, records, users
from accounts.tests.factories import UserFactory
from usermgmt.admin.forms import JsonObject

MODELS: dict[str, Any] = {"profile": UserProfile, "relationship": Relationship, "transactable": Transactable}
SORTED = {"profile": (1, 2, 3, 4, 6, 7), "relationship": (1, 2, 3, 4, 5, 7), "transactable": (1, 2, 3, 4, 7, 8)}
REQUIRED = ["This field is required."]
MUST_EXIST = ["Must exist."]
NO_NUL = ["Null characters are not allowed."]
NO_OBJECT = 'Must be a JSON object, as {"department": "Sales"}.'
TOO_LARGE = ["Is too large: at most 8 levels, 100 keys and 16 KiB."]

every_kind = pytest.mark.parametrize("kind", MODELS)


def listed(kind):
    return f"/admin/accounts/{MODELS[kind]._meta.model_name}/"


def add(kind):
    return f"{listed(kind)}add/"


def change(row):
    return f"/admin/accounts/{row._meta.model_name}/{row.pk}/change/"


def delete(row):
    return f"/admin/accounts/{row._meta.model_name}/{row.pk}/delete/"


def errors(answer):
    assert answer.status_code == 200
    return answer.context["adminform"].form.errors


def found(browser, path):
    answer = browser.get(path)
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


def version(user):
    return User.objects.get(pk=user.pk).version


def queries(browser, path):
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(path).status_code == 200
    return len(captured)


@pytest.fixture
def browser(cast, staff):
    return staff(cast.administrator)


@pytest.fixture
def types(db):
    """A type of each kind; of profiles one with a definition."""
    return SimpleNamespace(
        profile=record_types.create(actor=None, kind="profile", name="seller", properties={"age": {"type": "integer"}}),
        relationship=record_types.create(actor=None, kind="relationship", name="friend"),
        transactable=record_types.create(actor=None, kind="transactable", name="boat"),
    )


@pytest.fixture
def rows(cast, types):
    """A record of each kind, all of the owner."""
    sent = records.Records(
        profiles=[records.ProfileSent("seller", {"age": 7})],
        relationships=[records.RelationshipSent("friend", cast.stranger.pk, {"since": 1999})],
        transactables=[records.TransactableSent("boat", name="Dinghy", description="x\ny", properties={"sails": 1})],
    )
    users.update(actor=None, user_id=cast.owner.pk, records=sent)
    cast.owner.refresh_from_db()
    return SimpleNamespace(**{kind: model.objects.get() for kind, model in MODELS.items()})


@pytest.fixture
def new(cast, types):
    """What the browser sends of the form of a new record, for the stranger."""

    def new(kind, **values):
        sent = {"user": cast.stranger.pk, "type": getattr(types, kind).pk, "properties": '{"age": 40}'}
        more = {
            "profile": {},
            "relationship": {"related_user": cast.owner.pk},
            "transactable": {"name": "Sloop", "description": "a\r\nb", "currency": "EUR", "enabled": "on"},
        }
        return sent | more[kind] | values

    return new


def as_is(row, **values):
    """What the browser sends of the form of a record as it stands, with some changes."""
    sent = {"properties": JsonObject.shown(row.properties), "seen_version": version(row.user)}
    if isinstance(row, Transactable):
        sent |= {"name": row.name, "description": row.description.replace("\n", "\r\n"), "currency": row.currency}
        sent |= {"enabled": "on"} if row.enabled else {}
    return sent | values


@every_kind
def test_a_record_is_made_with_its_user(browser, cast, types, new, kind):
    answer = browser.post(add(kind), new(kind))
    row = MODELS[kind].objects.get()
    assert answer.headers["Location"] == listed(kind)
    assert (row.user, row.type, row.properties) == (cast.stranger, getattr(types, kind), {"age": 40})
    if kind == "relationship":
        assert row.related_user == cast.owner
    if kind == "transactable":
        assert (row.name, row.description, row.currency, row.enabled) == ("Sloop", "a\nb", "EUR", True)
    event = Event.objects.about("user", cast.stranger.pk).get()
    assert (event.action, event.contract, event.actor_id) == ("user.updated", "admin", cast.administrator.pk)
    assert list(event.changes) == [f"{kind}s.{row.type.name}"]
    assert version(cast.stranger) == 2


@every_kind
def test_a_record_is_changed_with_its_user(browser, cast, rows, kind):
    row = getattr(rows, kind)
    sent = as_is(
        row, properties='{"age": 8}', user=cast.outsider.pk, type=row.type_id + 1, related_user=cast.disabled.pk
    )
    if kind == "transactable":
        sent |= {"name": " Barge ", "currency": "GBP"}
        del sent["enabled"]
    assert browser.post(change(row), sent).headers["Location"] == listed(kind)
    changed = MODELS[kind].objects.get()
    assert (changed.pk, changed.user, changed.type_id, changed.properties) == (
        row.pk,
        cast.owner,
        row.type_id,
        {"age": 8},
    )
    if kind == "relationship":
        assert changed.related_user == cast.stranger
    if kind == "transactable":
        assert (changed.name, changed.description, changed.currency, changed.enabled) == ("Barge", "x\ny", "GBP", False)
    assert version(cast.owner) == cast.owner.version + 1


@every_kind
def test_sending_back_what_is_there_writes_nothing(browser, cast, types, rows, kind):
    row = getattr(rows, kind)
    page = browser.get(change(row)).content.decode()
    assert f'<input type="hidden" name="seen_version" value="{cast.owner.version}"' in page
    for name in ("user", "type", "related_user"):
        assert f'name="{name}"' not in page
    # It is not judged either: the definition is another one since.
    record_types.update(actor=None, type_id=row.type_id, properties={"other": {"type": "date"}})
    assert browser.post(change(row), as_is(row)).status_code == 302
    assert version(cast.owner) == cast.owner.version
    told = errors(browser.post(change(row), as_is(row, properties='{"age": 9}')))
    assert told == {"properties": ["age is not defined."]}


@every_kind
def test_what_changed_meanwhile_is_not_overwritten(browser, cast, rows, kind):
    row = getattr(rows, kind)
    sent = as_is(row, properties="{}")
    users.update(actor=None, user_id=cast.owner.pk, nickname="Olly")
    for seen in (sent["seen_version"], "", "x", 10**30, "\0"):
        told = errors(browser.post(change(row), sent | {"seen_version": seen}))
        assert "Somebody changed this" in told["__all__"][0]
    row.refresh_from_db()
    assert row.properties


@every_kind
@pytest.mark.parametrize(
    "fault",
    [
        *((name, value, MUST_EXIST) for name in ("user", "type") for value in ("x", "0", "9" * 30, 2**62)),
        *((name, "\0", NO_NUL) for name in ("user", "type")),
        *((name, "", REQUIRED) for name in ("user", "type")),
        *(
            ("properties", value, [NO_OBJECT])
            for value in ("[]", '{"a": NaN}', '{"a": "\\ud800"}', '{"a":1,"a":2}', '{"a":' * 1000 + "1" + "}" * 1000)
        ),
        ("properties", "\r\n{\r\n", [f"{NO_OBJECT} Look at line 3, column 1."]),
        ("properties", "\0", [f"{NO_OBJECT} Look at line 1, column 1."]),
        ("properties", '{"a":' * 9 + "1" + "}" * 9, TOO_LARGE),
        ("properties", '{"a": "' + "x" * 17_000 + '"}', TOO_LARGE),
        ("properties", str({f"k{n}": 1 for n in range(101)}).replace("'", '"'), TOO_LARGE),
    ],
)
def test_faults_stand_beside_their_fields(browser, new, kind, fault):
    name, value, told = fault
    assert errors(browser.post(add(kind), new(kind, **{name: value}))) == {name: told}
    assert not MODELS[kind].objects.exists()


def test_faults_of_one_kind_stand_beside_their_fields(browser, cast, types, new):
    def of(kind, **values):
        return errors(browser.post(add(kind), new(kind, **values)))

    for kind, other in (("profile", "relationship"), ("relationship", "transactable"), ("transactable", "profile")):
        assert of(kind, type=getattr(types, other).pk) == {"type": MUST_EXIST}
    assert of("profile", properties='{"age": "7", "b": 1, "c.d": 2}') == {
        "properties": ["age has the wrong type.", "b is not defined.", "c.d is not defined."]
    }
    for other in ("x", "9" * 30, cast.stranger.pk, cast.outsider.pk, cast.administrator.pk):
        assert of("relationship", related_user=other) == {"related_user": MUST_EXIST}
    assert of("relationship", related_user="") == {"related_user": REQUIRED}
    assert of("relationship", related_user="\0") == {"related_user": NO_NUL}
    for name, value, told in (
        ("name", "n" * 256, "Is too long (maximum is 255 characters)."),
        ("name", "a\0", "Is invalid."),
        ("name", "a\nb", "Is invalid."),
        ("description", "d" * 10_001, "Is too long (maximum is 10000 characters)."),
        ("description", "a\0", "Is invalid."),
        ("currency", "", "Is invalid."),
        ("currency", "eur", "Is invalid."),
        ("currency", "EUR\0", "Is invalid."),
        ("currency", "€" * 5000, "Is invalid."),
    ):
        assert of("transactable", **{name: value}) == {name: [told]}
    assert not any(model.objects.exists() for model in MODELS.values())


def test_all_faults_are_told_at_once(browser, new):
    sent = new("transactable", name="a\0", currency="x", properties="[")
    assert sorted(errors(browser.post(add("transactable"), sent))) == ["currency", "name", "properties"]
    sent = new("relationship", user="", type="x", related_user="", properties="[")
    told = errors(browser.post(add("relationship"), sent))
    assert sorted(told) == ["properties", "related_user", "type", "user"]


def test_what_a_user_has_already_is_not_written_over_by_a_new_one(browser, cast, rows, new):
    taken = ["Has already been taken."]
    told = errors(browser.post(add("profile"), new("profile", user=cast.owner.pk)))
    assert told == {"type": taken}
    sent = new("relationship", user=cast.owner.pk, related_user=cast.stranger.pk)
    assert errors(browser.post(add("relationship"), sent)) == {"related_user": taken}
    assert version(cast.owner) == cast.owner.version
    sent = new("transactable", user=cast.owner.pk)
    assert browser.post(add("transactable"), sent).status_code == 302
    assert cast.owner.transactables.count() == 2


def test_a_user_has_no_more_records_than_the_service_lets(browser, cast, types, new, monkeypatch):
    monkeypatch.setattr(records, "MAX_RECORDS", 1)
    assert browser.post(add("transactable"), new("transactable")).status_code == 302
    told = errors(browser.post(add("transactable"), new("transactable")))
    assert told == {"__all__": ["Transactables is too long (maximum is 1 entries)."]}


def test_nothing_is_written_of_an_erased_person(browser, cast, rows, new):
    User.objects.filter(pk__in=[cast.owner.pk, cast.stranger.pk]).update(erased_at=cast.owner.created_at)
    told = {"__all__": ["Can't be changed: the person was erased."]}
    assert errors(browser.post(add("profile"), new("profile"))) == told
    assert errors(browser.post(change(rows.profile), as_is(rows.profile, properties="{}"))) == told


@every_kind
def test_a_record_is_deleted_after_asking(browser, cast, rows, kind):
    row = getattr(rows, kind)
    assert f"Delete the {kind} <strong>{row}</strong> for good?" in browser.get(delete(row)).content.decode()
    assert browser.post(delete(row), {"post": "yes"}).headers["Location"] == listed(kind)
    assert not MODELS[kind].objects.exists()
    event = Event.objects.about("user", cast.owner.pk)[0]
    assert (event.action, event.actor_id) == ("user.updated", cast.administrator.pk)
    assert list(event.changes) == [f"{kind}s.{row.type.name}"]
    assert version(cast.owner) == cast.owner.version + 1


@every_kind
def test_many_are_deleted_one_by_one(browser, rows, kind):
    row = getattr(rows, kind)
    chosen = {"action": "delete_selected", "_selected_action": [row.pk, 2**62, "x", "\0", 10**30]}
    assert str(row) in browser.post(listed(kind), chosen).content.decode()
    answer = browser.post(listed(kind), chosen | {"post": "yes"}, follow=True)
    assert f"1 {kind} deleted." in answer.content.decode()
    assert not MODELS[kind].objects.exists()


@every_kind
def test_a_record_that_is_gone_is_no_error(browser, cast, rows, kind):
    row = getattr(rows, kind)
    sent = as_is(row)
    records.delete(actor=None, kind=kind, record_id=row.pk)
    for page in (change(row), delete(row), change(row).replace("change", "history"), f"{listed(kind)}%00/change/"):
        assert b"Perhaps it was deleted?" in browser.get(page, follow=True).content
        assert b"Perhaps it was deleted?" in browser.post(page, sent | {"post": "yes"}, follow=True).content


@every_kind
def test_a_deletion_meanwhile_is_told(browser, rows, new, kind, monkeypatch):
    row = getattr(rows, kind)
    there = users.update

    def gone(**values):
        written = there(**values)
        MODELS[kind].objects.all().delete()
        return written

    monkeypatch.setattr(users, "update", gone)
    told = {"__all__": [f"This {kind} is gone: somebody deleted it since you opened it."]}
    assert errors(browser.post(add(kind), new(kind))) == told
    row.pk = None
    row.save()
    assert errors(browser.post(change(row), as_is(row, properties="{}"))) == told


@every_kind
def test_the_list_is_searched_filtered_and_sorted(browser, cast, types, rows, kind):
    row = getattr(rows, kind)
    other = {"profile": {}, "relationship": {"related_user": cast.disabled}, "transactable": {"enabled": False}}[kind]
    second = RecordType.objects.create(kind=kind, name="second")
    foreign = MODELS[kind].objects.create(user=cast.outsider, type=second, **other)
    where = listed(kind)
    assert found(browser, where) == [foreign, row]
    for query, expected in {
        "q=OLGA": [row],
        "q=owner+olga@": [row],
        f"q={foreign.pk}": [foreign],
        f"type={second.pk}": [foreign],
        f"user={cast.owner.pk}": [row],
        f"client={cast.globex.pk}": [foreign],
        "created=day": [foreign, row],
        "created=before-quarter": [],
        "q=%00": [foreign, row],  # Django's form says so
        **{f"q={text}": [] for text in ("%25", "%01", "9" * 30, "x" * 5000)},
        **{f"{name}={value}": [] for name in ("type", "user", "client") for value in ("x", "%00", "0", "9" * 30)},
        "created=x": [foreign, row],
    }.items():
        assert found(browser, f"{where}?{query}") == expected, query
    for column in SORTED[kind]:
        assert found(browser, f"{where}?o={column}") == found(browser, f"{where}?o=-{column}")[::-1], column
    for query in ("p=abc", "p=9999999999", "o=99", "o=x", "o=%00", "p=%00"):
        assert browser.get(f"{where}?{query}", follow=True).status_code == 200
    for query in ("user__password__startswith=a", "properties__contains=x", "user__client=1", "of_client=1"):
        assert browser.get(f"{where}?{query}").status_code == 400


def test_each_list_has_what_its_kind_has(browser, cast, types, rows):
    assert found(browser, f"{listed('relationship')}?q=stan") == [rows.relationship]
    assert found(browser, f"{listed('relationship')}?related_user={cast.stranger.pk}") == [rows.relationship]
    assert found(browser, f"{listed('relationship')}?related_user={cast.owner.pk}") == []
    assert found(browser, f"{listed('transactable')}?q=DINGHY") == [rows.transactable]
    assert found(browser, f"{listed('transactable')}?enabled=yes") == [rows.transactable]
    assert found(browser, f"{listed('transactable')}?enabled=no") == []
    assert found(browser, f"{listed('transactable')}?enabled=x") == [rows.transactable]
    assert "{&quot;age&quot;: 7}" in browser.get(listed("profile")).content.decode()
    for kind in MODELS:
        page = browser.get(listed(kind)).content.decode()
        assert f'<a href="/admin/accounts/user/{cast.owner.pk}/change/">olga@example.com</a>' in page
        assert ">Acme<" in page


@every_kind
def test_whoever_adds_to_a_narrowed_list_finds_the_user_and_the_type_chosen(browser, cast, types, kind):
    type_ = getattr(types, kind)
    kept = f"user%3D{cast.owner.pk}%26type%3D{type_.pk}"
    page = browser.get(f"{listed(kind)}?user={cast.owner.pk}&type={type_.pk}").content.decode()
    assert f'href="{add(kind)}?_changelist_filters={kept}"' in page
    page = browser.get(f"{add(kind)}?_changelist_filters={kept}").content.decode()
    assert f'<option value="{cast.owner.pk}" selected>olga@example.com</option>' in page
    assert f'<option value="{type_.pk}" selected>{type_.name}</option>' in page
    for query in (
        "_changelist_filters=user%3D%2500%26type%3Dx",
        "_changelist_filters=%00%26%3D%26user",
        "user=%00&type=x&related_user=%00&properties=%7B&seen_version=x&currency=%00",
        f"user={2**62}&type={2**62}&related_user={2**62}",
        f"user={10**30}&type={'9' * 5000}",
    ):
        assert browser.get(f"{add(kind)}?{query}").status_code == 200


def test_only_users_of_the_client_are_offered_once_the_user_is_known(browser, cast, types, new):
    address = reverse("admin:autocomplete")

    def of(answer):
        page = answer.content.decode()
        widget = page[page.index('<select name="related_user"') :]
        return widget[: widget.index(">")]

    page = add("relationship")
    assert "of_client" not in of(browser.get(page))
    assert f'"{address}?of_client={cast.acme.pk}"' in of(browser.get(f"{page}?user={cast.owner.pk}"))
    assert f'"{address}?of_client={cast.acme.pk}"' in of(browser.post(page, new("relationship", type="")))
    for nobody in ("", "x", 2**62, "\0", cast.administrator.pk):
        assert "of_client" not in of(browser.post(page, new("relationship", user=nobody, type="")))
    wanted = {"app_label": "accounts", "model_name": "relationship", "field_name": "related_user", "term": "o"}
    offered = browser.get(address, wanted | {"of_client": cast.globex.pk}).json()["results"]
    assert [row["text"] for row in offered] == ["otto@example.com"]


def test_administrators_are_related_to_administrators(browser, cast, new):
    sent = new("relationship", user=cast.administrator.pk, related_user=cast.spare.pk)
    assert browser.post(add("relationship"), sent).status_code == 302
    assert cast.administrator.relationships.get().related_user == cast.spare


@every_kind
def test_the_pages_cost_the_same_for_one_row_and_for_fifty(browser, cast, types, rows, kind):
    row, type_ = getattr(rows, kind), getattr(types, kind)
    paths = (
        listed(kind),
        f"{listed(kind)}?user={cast.owner.pk}&type={type_.pk}&client={cast.acme.pk}",
        change(row),
        add(kind),
    )
    for path in paths:
        browser.get(path)  # content types are looked up once a process
    few = [queries(browser, path) for path in paths]
    more = {"related_user": cast.disabled} if kind == "relationship" else {}
    crowd = UserFactory.create_batch(50, client=cast.acme)
    MODELS[kind].objects.bulk_create(MODELS[kind](user=user, type=type_, **more) for user in crowd)
    assert [queries(browser, path) for path in paths] == few
    assert max(few) <= 8


@every_kind
def test_the_history_of_a_record_is_its_users(browser, cast, rows, kind):
    row = getattr(rows, kind)
    answer = browser.get(change(row).replace("change", "history"), follow=True)
    assert answer.redirect_chain[-1][0] == f"/admin/accounts/user/{cast.owner.pk}/history/"
    assert f"{kind}s.{row.type.name}" in answer.content.decode()


@every_kind
def test_markup_is_shown_as_text(browser, rows, new, kind):
    hostile = "<script>alert(1)</script>"
    row = getattr(rows, kind)
    MODELS[kind].objects.filter(pk=row.pk).update(properties={hostile: hostile})
    Transactable.objects.update(name=hostile, description=hostile)
    refused = browser.post(add(kind), new(kind, name=f"\0{hostile}", properties=f'"{hostile}'))
    pages = [
        answer.content.decode() for answer in (refused, *map(browser.get, (listed(kind), change(row), delete(row))))
    ]
    assert all("<script>alert" not in page for page in pages)
    assert all("&lt;script&gt;alert(1)" in page for page in pages[: 4 if kind == "transactable" else 3])


@every_kind
def test_the_pages_are_for_administrators_and_have_nothing_inline(browser, staff, rows, new, kind):
    row = getattr(rows, kind)
    regular = staff(row.user)
    for path in (listed(kind), add(kind), change(row), delete(row)):
        assert regular.get(path).headers["Location"].startswith("/admin/login/")
        page = browser.get(path).content.decode()
        assert "<style" not in page and " style=" not in page and "<script>" not in page
    before = list(MODELS[kind].objects.values())
    for path, sent in (
        (add(kind), new(kind)),
        (change(row), as_is(row, properties="{}")),
        (delete(row), {"post": "yes"}),
    ):
        regular.post(path, sent)
    assert list(MODELS[kind].objects.values()) == before
