"""Staff try a configuration out as it is typed: what would be answered and written is told, and nothing is written."""

import json

import pytest
from django.apps import apps
from django.db import connection
from django.utils.html import escape

from accounts.models import RecordType, User
from accounts.services import record_types, users
from usermgmt.dialects.forms import configurations, submitting
from usermgmt.dialects.forms.models import FormConfiguration
from usermgmt.dialects.forms.tests.forms import EXAMPLE, PERSON, PRESENT, asked, configured, errors_of, program
from usermgmt.dialects.forms.tests.test_admin_configurations import ADD, change, errors, new
from usermgmt.errors import Stale

BLANK, TAKEN = ["can't be blank"], ["has already been taken"]


def everything():
    """Every row of every table."""
    rows = {}
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            if model._meta.managed and not model._meta.proxy:
                cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')  # noqa: S608
                rows[model._meta.label] = sorted(map(repr, cursor.fetchall()))
    return rows


@pytest.fixture
def browser(cast, staff):
    return staff(cast.administrator)


@pytest.fixture
def trial(browser):
    """What came of a sample, by a configuration as it is typed; all tables are as they were."""

    def tried(sample, *, path=ADD, user="", **values):
        sent = new(**values) | {"_try": "Try it", "sample_user": str(user)}
        sent["sample"] = sample if isinstance(sample, str) else json.dumps(sample)
        browser.get(path)  # a session is opened by then
        before = everything()
        answer = browser.post(path, sent)
        assert everything() == before
        tried.page = answer.content.decode()
        tried.errors = errors(answer)
        return answer.context["adminform"].form.trial

    return tried


def test_what_would_be_taken_is_told_and_nothing_is_written(trial):
    found = trial(
        EXAMPLE | {"featured": True, "properties": {"a": 1, "b": 2}},
        fields=PERSON | {"properties": {"a": {}}, "last_name": {"property_options": {"default": "<b>"}}},
        default_payload={"properties": {"a": "é"}},
        email_notifications=["welcome", "verification"],
    )
    assert (found.status, found.errors, trial.errors) == (201, {}, {})
    written = {
        "email": "example1@example.com",
        "first_name": "Example",
        "last_name": "<b>",
        "password": "(hidden)",
        "properties": {"a": "é"},
    }
    assert found.written == written
    assert "Answer: 201 Created" in trial.page
    assert "&quot;last_name&quot;: &quot;&lt;b&gt;&quot;" in trial.page
    result = trial.page.split('id="trial"')[1]
    assert "(hidden)" in result and EXAMPLE["password"] not in result
    assert not FormConfiguration.objects.filter(name="sign_up").exists()


@pytest.mark.parametrize(
    ("sample", "told"),
    [
        ({}, {"email": ["is invalid", *BLANK], "password": BLANK, "first_name": BLANK}),
        (EXAMPLE | {"email": " OLGA@example.com "}, {"email": TAKEN}),
        (EXAMPLE | {"external_id": "x-1"}, {"external_id": TAKEN}),
        (EXAMPLE | {"first_name": "a\tb"}, {"first_name": ["is invalid"]}),
        (EXAMPLE | {"password": "12345"}, {"password": ["is too short (minimum is 6 characters)"]}),
        (EXAMPLE | {"last_name": "Mine"}, {"last_name": TAKEN}),
        (EXAMPLE | {"profiles": 5}, {"profiles": ["is invalid"]}),
        (
            EXAMPLE | {"relationship_users": {"manager": [{"user_id": 9999}]}},
            {"relationship_users.manager.user_id": ["must exist"]},
        ),
        (
            EXAMPLE | {"profiles": {"default": {"properties": {"height": "tall"}}}},
            {"profiles.default.properties.height": ["has the wrong type"]},
        ),
    ],
)
def test_what_would_be_refused_is_told_by_path_in_the_words_of_the_contract(cast, trial, sample, told):
    default = RecordType.objects.get(kind="profile", name="default")
    record_types.update(actor=None, type_id=default.pk, properties={"height": {"type": "number"}})
    record_types.create(actor=None, kind="relationship", name="manager")
    there = users.create(actor=None, client_id=users.HOME, name="Nina", email="nina@example.com")
    users.update(actor=None, user_id=there.pk, external_id="x-1", family_name="Mine")
    fields = PERSON | {
        "external_id": {},
        "last_name": {"validation": {"unique": True}},
        "profiles": {"default": {"properties": {"height": {}}}},
        "relationship_users": {"manager": {"user_id": {}}},
    }

    found = trial(sample, fields=fields)
    assert (found.status, found.errors, found.written) == (422, told, None)
    for path, several in told.items():
        for words in several:
            assert f'<th scope="row">{path}</th><td>{escape(words)}</td>' in trial.page
    configured(fields, name="stored")
    assert errors_of(program(cast.administrator).post("/api/users", asked(sample, "stored"))) == told


def test_with_a_number_a_change_of_that_user_is_tried(cast, trial):
    users.update(actor=None, user_id=cast.owner.pk, given_name="Olga", properties={"kept": 1})
    fields = {"first_name": PRESENT, "last_name": {}, "email": {}, "password": {}}
    found = trial({"last_name": "New"}, fields=fields, user=cast.owner.pk)
    assert (found.status, found.written) == (204, {"last_name": "New"})
    assert "Answer: 204 No Content" in trial.page

    found = trial({"first_name": "", "email": "stan@example.com"}, fields=fields, user=cast.owner.pk)
    assert (found.status, found.errors) == (422, {"first_name": BLANK, "email": TAKEN})
    found = trial({"password": "a new passphrase"}, fields=fields, user=cast.owner.pk)
    assert (found.status, found.written) == (204, {"password": "(hidden)"})


@pytest.mark.parametrize("number", ["0", "9" * 19, "9" * 30, "-1", "x", "1 2", "٣"])
def test_whoever_is_not_there_is_not_found(trial, number):
    found = trial({"first_name": "x"}, fields={"first_name": {}}, user=number)
    assert (found.status, found.errors) == (404, {"base": ["Not found"]})


def test_a_person_who_was_erased_is_told_of_by_the_directory(cast, trial):
    User.objects.filter(pk=cast.stranger.pk).update(erased_at="2026-01-01T00:00:00Z")
    found = trial({"first_name": "x"}, fields={"first_name": {}}, user=cast.stranger.pk)
    assert (found.status, found.errors) == (422, {"base": ["can't be changed: the person was erased"]})


def test_whoever_is_changed_in_that_moment_is_busy(cast, trial, monkeypatch):
    def stale(*_, **__):
        raise Stale(7)

    monkeypatch.setattr(submitting.users, "update", stale)
    found = trial({"first_name": "x"}, fields={"first_name": {}}, user=cast.owner.pk)
    assert (found.status, found.written) == (503, None)


def test_a_session_is_judged_and_nobody_is_signed_in(cast, trial):
    sent = {"resource": "Session", "fields": {"email": {}, "password": {}}}
    found = trial({"email": "nobody@example.com", "password": "whatever it is"}, **sent)
    assert (found.status, found.written) == (201, {"email": "nobody@example.com", "password": "(hidden)"})
    found = trial({"email": "nobody@example.com"}, **sent)
    assert (found.status, found.errors) == (422, {"password": BLANK})


def test_a_configuration_with_faults_is_told_of_them_as_on_saving_and_tries_nothing(browser, trial):
    sent = {"name": "?", "fields": {"email": {"validation": {"lenght": {}}}}}
    assert trial(EXAMPLE, **sent) is None
    assert trial.errors == errors(browser.post(ADD, new(**sent)))
    assert set(trial.errors) == {"name", "fields"}
    assert "Not tried: the configuration has errors" in trial.page


@pytest.mark.parametrize("sample", ["[]", "{", "null", '"x"', '{"a": 1, "a": 2}', '{"a": "\\u0000"}', "[" * 5000])
def test_a_sample_that_can_t_be_read_says_so_and_is_kept(trial, sample):
    assert trial(sample, fields=PERSON) is None
    assert trial.errors == {}
    assert "Must be a JSON object" in trial.page.split('id="try"')[1]


def test_a_change_of_a_stored_configuration_is_tried_by_what_is_typed(browser, trial):
    row = configurations.create(actor=None, name="mine", fields=PERSON)
    there = {"name": "mine", "seen_version": 1}
    assert trial({"email": "a@example.com"}, path=change(row), fields={"email": {}}, **there).status == 201
    assert trial({"email": "a@example.com"}, path=change(row), fields=PERSON, **there).status == 422
    assert trial({"email": "a@example.com"}, path=change(row), fields={"email": {}}, name="other").status == 201
    row.refresh_from_db()
    assert (row.fields, row.version) == (PERSON, 1)


def test_no_password_comes_back_wherever_it_stands_in_a_sample(trial):
    deep = {"api_password": "very secret one", "list": [{"Password": "very secret two"}], "password": ""}
    found = trial(
        EXAMPLE | {"properties": deep},
        fields=PERSON | {"properties": {"api_password": {}, "list": {}, "password": {}}},
    )
    hidden = {"api_password": "(hidden)", "list": [{"Password": "(hidden)"}], "password": ""}
    assert found.written["properties"] == hidden
    assert "very secret" not in trial.page.split('id="trial"')[1]


def test_a_sample_is_no_matter_of_saving(browser):
    answer = browser.post(ADD, new(fields=PERSON, sample="{", sample_user="x"))
    assert answer.status_code == 302
    assert FormConfiguration.objects.filter(name="sign_up").exists()


def test_what_is_not_looked_at_is_said_and_has_no_say(trial):
    found = trial(EXAMPLE, fields=PERSON, authorization_policies=["nobody"], request_allowed="")
    assert found.status == 201
    assert "Not looked at: whether requests are" in trial.page
