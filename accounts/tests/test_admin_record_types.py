"""The admin site's pages of record types."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Event, RecordType, UserProfile
from accounts.services import record_types
from accounts.tests.factories import UserFactory

LIST = "/admin/accounts/recordtype/"
ADD = f"{LIST}add/"
TYPES = "text, integer, number, boolean, date, datetime, list, object"


def change(kept):
    return f"{LIST}{kept.pk}/change/"


def errors(answer):
    assert answer.status_code == 200
    return answer.context["adminform"].form.errors


def found(browser, query):
    answer = browser.get(LIST + query)
    assert answer.status_code == 200
    return [row.name for row in answer.context["cl"].result_list]


def queries(browser, path):
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(path).status_code == 200
    return captured.captured_queries


@pytest.fixture(autouse=True)
def _no_type_yet(db):
    RecordType.objects.all().delete()  # a directory begins with one


@pytest.fixture
def browser(cast, staff):
    return staff(cast.administrator)


@pytest.fixture
def seller(db):
    properties = {"height": {"type": "number"}, "city": {"type": "text"}}
    return record_types.create(actor=None, kind="profile", name="seller", properties=properties)


def test_a_type_is_defined_by_the_service(browser, cast):
    sent = {"kind": "transactable", "name": "boat", "properties": "length : number\r\n\r\n  name: text \r\n"}
    assert browser.post(ADD, sent).status_code == 302
    kept = RecordType.objects.get()
    assert (kept.kind, kept.name) == ("transactable", "boat")
    assert kept.properties == {"length": {"type": "number"}, "name": {"type": "text"}}
    event = Event.objects.about("record_type", kept.pk).get()
    assert (event.action, event.contract, event.actor_id) == ("record_type.created", "admin", cast.administrator.pk)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"kind": ""}, {"kind": ["This field is required."]}),
        ({"kind": "king\0"}, {"kind": ["Select a valid choice. king\0 is not one of the available choices."]}),
        ({"name": ""}, {"name": ["Can't be blank."]}),
        ({"name": "a.b"}, {"name": ["Is invalid."]}),
        ({"name": "a\0"}, {"name": ["Is invalid."]}),
        ({"name": "n" * 65}, {"name": ["Is too long (maximum is 64 characters)."]}),
        ({"name": "seller"}, {"name": ["Has already been taken."]}),
        (
            {"properties": "height\nx: text\n: text\nx: date"},
            {
                "properties": [
                    "Line 1 must have a name, a colon and a type.",
                    "Line 3 must have a name, a colon and a type.",
                    "Line 4 defines x once more.",
                ]
            },
        ),
        (
            {"properties": "x\n" * 9},
            {"properties": [f"Line {n} must have a name, a colon and a type." for n in range(1, 6)]},
        ),
        ({"properties": "size: size"}, {"properties": [f"Is not one of {TYPES} at size.type."]}),
        ({"properties": "size:"}, {"properties": [f"Is not one of {TYPES} at size.type."]}),
        (
            {"properties": "\n".join(f"p{n}: text" for n in range(101))},
            {"properties": ["Is too long (maximum is 100 entries)."]},
        ),
        *(
            (
                {"properties": f"{name}: text"},
                {
                    "properties": [
                        f"Has a name that is not of 1 to 64 letters, digits, hyphens and underscores: {told}."
                    ]
                },
            )
            for name, told in {"a.b": "a.b", "a:b": "a:b", "n" * 99: "n" * 65, "a\0b": "a\0b", "ö": "ö"}.items()
        ),
    ],
)
def test_faults_stand_beside_their_fields(browser, seller, values, told):
    sent = {"kind": "profile", "name": "buyer", "properties": "height: number"} | values
    assert errors(browser.post(ADD, sent)) == told
    assert list(RecordType.objects.all()) == [seller]


def test_all_faults_are_told_at_once(browser, seller):
    sent = {"kind": "profile", "name": "a b", "properties": "x"}
    assert sorted(errors(browser.post(ADD, sent))) == ["name", "properties"]
    assert sorted(errors(browser.post(change(seller), {"properties": "x", "seen_version": 1}))) == [
        "name",
        "properties",
    ]


def test_a_type_is_changed_but_never_its_kind(browser, seller):
    page = browser.get(change(seller)).content.decode()
    assert "height: number\ncity: text</textarea>" in page
    assert 'name="kind"' not in page
    sent = {"kind": "relationship", "name": "seller", "properties": "height: number\r\ncity: text", "seen_version": 1}
    assert browser.post(change(seller), sent).status_code == 302
    assert Event.objects.about("record_type", seller.pk).count() == 1
    assert browser.post(change(seller), sent | {"properties": ""}).status_code == 302
    seller.refresh_from_db()
    assert (seller.kind, seller.properties, seller.version) == ("profile", {}, 2)


def test_what_changed_meanwhile_is_not_overwritten(browser, seller):
    record_types.update(actor=None, type_id=seller.pk, name="theirs")
    for version in (1, "", "x", 10**30):
        answer = browser.post(change(seller), {"name": "mine", "seen_version": version})
        assert "Somebody changed this" in errors(answer)["__all__"][0]
    seller.refresh_from_db()
    assert (seller.name, len(seller.properties)) == ("theirs", 2)


def test_a_type_is_deleted_after_asking_unless_there_are_records_of_it(browser, cast, seller):
    profile = UserProfile.objects.create(user=cast.owner, type=seller)
    page = f"{LIST}{seller.pk}/delete/"
    assert "Delete the record type <strong>seller</strong> for good?" in browser.get(page).content.decode()
    answer = browser.post(page, {"post": "yes"}, follow=True)
    assert "Not deleted: can&#x27;t be deleted while users have records of it." in answer.content.decode()
    chosen = {"action": "delete_selected", "_selected_action": [seller.pk, "x", "\0", 10**30], "post": "yes"}
    answer = browser.post(LIST, chosen, follow=True)
    assert "Skipped seller: can&#x27;t be deleted" in answer.content.decode()
    profile.delete()
    assert browser.post(page, {"post": "yes"}).status_code == 302
    assert not RecordType.objects.exists()
    assert Event.objects.about("record_type", seller.pk)[0].action == "record_type.deleted"


def test_a_type_that_is_gone_is_no_error(browser, seller):
    record_types.delete(actor=None, type_id=seller.pk)
    for page in (change(seller), f"{LIST}{seller.pk}/delete/", f"{LIST}{seller.pk}/history/", f"{LIST}%00/change/"):
        assert b"Perhaps it was deleted?" in browser.get(page, follow=True).content
        assert b"Perhaps it was deleted?" in browser.post(page, {"name": "x", "post": "yes"}, follow=True).content


def test_the_list_is_searched_filtered_and_sorted(browser, seller):
    record_types.create(actor=None, kind="relationship", name="friend")
    boat = record_types.create(actor=None, kind="transactable", name="Boat")
    assert found(browser, "") == ["seller", "friend", "Boat"]
    assert found(browser, "?kind=relationship") == ["friend"]
    assert found(browser, "?kind=%00") == found(browser, "?kind=king") == ["seller", "friend", "Boat"]
    assert found(browser, "?q=BOA") == ["Boat"]
    assert found(browser, f"?q={boat.pk}") == ["Boat"]
    for text in ("%25", "9" * 30, "%01", "%00", "x" * 5000):
        assert found(browser, f"?q={text}") == ([] if text != "%00" else ["seller", "friend", "Boat"])
    for column in (1, 2, 5, 6):
        assert found(browser, f"?o={column}") == found(browser, f"?o=-{column}")[::-1]
    assert browser.get(f"{LIST}?properties__contains=x").status_code == 400
    assert browser.get(f"{LIST}?model_name=userprofile").status_code == 400


def test_the_list_says_what_a_type_holds_and_how_many_there_are(browser, cast, seller):
    properties = {name: {"type": "text"} for name in "abcde"}
    record_types.create(actor=None, kind="profile", name="buyer", properties=properties)
    record_types.create(actor=None, kind="relationship", name="friend")
    for user in (cast.owner, cast.stranger):
        UserProfile.objects.create(user=user, type=seller)
    page = browser.get(LIST).content.decode()
    for words in (">height, city<", ">a, b, c and 2 more<", ">any property<"):
        assert words in page
    assert f'<a href="/admin/accounts/userprofile/?type={seller.pk}">2</a>' in page
    assert (
        f'<a href="/admin/accounts/userprofile/?type={seller.pk}">2</a>' in browser.get(change(seller)).content.decode()
    )
    assert page.count(">0</a>") == 2


def test_only_types_of_the_kind_are_offered(browser, seller):
    friend = record_types.create(actor=None, kind="relationship", name="seller")

    def offered(model, term="SELL"):
        wanted = {"app_label": "accounts", "model_name": model, "field_name": "type", "term": term}
        return [row["id"] for row in browser.get(reverse("admin:autocomplete"), wanted).json()["results"]]

    assert offered("userprofile") == [str(seller.pk)]
    assert offered("relationship") == [str(friend.pk)]
    assert offered("transactable") == offered("userprofile", "sell\0") == []


def test_the_pages_cost_the_same_for_one_row_and_for_fifty(browser, seller):
    pages = (LIST, change(seller))
    few = [len(queries(browser, page)) for page in pages]
    types = [
        record_types.create(actor=None, kind=kind, name=f"t{number}")
        for number in range(17)
        for kind in ("profile", "relationship", "transactable")
    ]
    users = UserFactory.create_batch(20)
    UserProfile.objects.bulk_create(UserProfile(user=user, type=types[0]) for user in users)
    assert [len(queries(browser, page)) for page in pages] == few
    assert max(few) <= 6
    counting = [query["sql"] for query in queries(browser, LIST) if "accounts_userprofile" in query["sql"]]
    assert len(counting) == 1  # nor is anything counted of rows that are not shown


def test_history_and_the_trail_name_the_type(browser, seller):
    record_types.update(actor=None, type_id=seller.pk, name="vendor")
    history = browser.get(f"{LIST}{seller.pk}/history/").content.decode()
    assert "<del>seller</del> → vendor" in history
    trail = browser.get(f"/admin/accounts/event/?q={seller.pk}").content.decode()
    assert f'<a href="{change(seller)}">vendor</a>' in trail
    record_types.delete(actor=None, type_id=seller.pk)
    assert f"record type {seller.pk}" in browser.get("/admin/accounts/event/").content.decode()


def test_markup_is_shown_as_text(browser):
    hostile = "<script>alert(1)</script>"
    page = browser.post(ADD, {"kind": hostile, "name": hostile, "properties": f"{hostile}: text"}).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_the_pages_are_for_administrators_and_have_nothing_inline(browser, cast, staff, seller):
    for path in (LIST, ADD, change(seller), f"{LIST}{seller.pk}/delete/"):
        assert staff(cast.owner).get(path).headers["Location"].startswith("/admin/login/")
        page = browser.get(path).content.decode()
        assert "<style" not in page and " style=" not in page and "<script>" not in page
    staff(cast.owner).post(ADD, {"kind": "profile", "name": "buyer"})
    staff(cast.owner).post(f"{LIST}{seller.pk}/delete/", {"post": "yes"})
    assert list(RecordType.objects.all()) == [seller]
