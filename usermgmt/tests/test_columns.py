"""Columns computed in Python from others, and JSON in its order."""

import json
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from django.apps import apps
from django.db import connection
from django.forms import modelform_factory
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from accounts.tests.factories import UserFactory
from clients.models import Client
from clients.tests.factories import ClientFactory
from usermgmt.columns import FoldedField, compare_bytes, fold
from usermgmt.dialects.forms.models import FormConfiguration


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ada", "ada"),
        ("STRASSE", "strasse"),
        ("straße", "strasse"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ("Ａｄａ", "ada"),  # full width
        ("ﬁn", "fin"),  # a ligature
        ("e\N{COMBINING ACUTE ACCENT}", "é"),
        ("İ", "i\N{COMBINING DOT ABOVE}"),
        ("", ""),
    ],
)
def test_folding_takes_case_and_compatibility_forms_away(text, folded):
    assert fold(text) == folded


@given(st.text())
def test_what_is_folded_stays_as_it_is(text):
    assert fold(fold(text)) == fold(text)


@given(st.text(st.characters(max_codepoint=0x24F, exclude_categories=["Cs"])))
def test_folding_ignores_case(text):
    assert fold(text.lower()) == fold(text) or "İ" in text  # the one letter whose lower case has two


def test_saving_computes_every_column(db):
    user = UserFactory(name="Ada LOVELACE", email="Ada@Example.com", username="Ada.L")
    stored = User.objects.values("email_canonical", "username_canonical", "name_sorted", "search_text").get(pk=user.pk)
    assert stored == {
        "email_canonical": "ada@example.com",
        "username_canonical": "ada.l",
        "name_sorted": "ada lovelace",
        "search_text": "ada lovelace\nada@example.com\nada.l",
    }


@pytest.mark.parametrize(
    ("column", "value", "changed"),
    [
        ("name", "Grace", {"name_sorted": "grace", "search_text": "grace\nada@example.com\nada"}),
        ("email", "G@Example.com", {"email_canonical": "g@example.com", "search_text": "ada\ng@example.com\nada"}),
        ("username", "Grace", {"username_canonical": "grace", "search_text": "ada\nada@example.com\ngrace"}),
        ("given_name", "Grace", {}),
    ],
)
def test_a_partial_save_writes_what_is_made_of_it_and_what_is_made_of_that(db, column, value, changed):
    user = UserFactory(name="Ada", email="ada@example.com", username="ada")
    computed = ("email_canonical", "username_canonical", "name_sorted", "search_text")
    before = User.objects.values(*computed).get(pk=user.pk)
    setattr(user, column, value)
    user.save(update_fields=[column])
    assert User.objects.values(*computed).get(pk=user.pk) == before | changed
    assert getattr(User.objects.get(pk=user.pk), column) == value


def test_a_partial_save_leaves_the_rest_alone(db, django_assert_num_queries):
    user = UserFactory(name="Ada")
    user.name, user.given_name = "Grace", "Grace"
    with django_assert_num_queries(1) as queries:
        user.save(update_fields=["given_name"])
    assert "name_sorted" not in queries[0]["sql"]
    assert "search_text" not in queries[0]["sql"]
    stored = User.objects.get(pk=user.pk)
    assert (stored.name, stored.name_sorted, stored.given_name) == ("Ada", "ada", "Grace")


def test_a_partial_save_of_nothing_writes_nothing(db, django_assert_num_queries):
    with django_assert_num_queries(1):  # the factory's
        client = ClientFactory(name="Acme")
    with django_assert_num_queries(0):
        client.save(update_fields=[])


def test_a_bulk_insert_computes_them_too(db):
    Client.objects.bulk_create([Client(name="ACME"), Client(name="Globex Straße")])
    assert list(Client.objects.values_list("name_folded", flat=True)) == ["acme", "globex strasse"]


def test_an_instance_knows_what_was_stored(db):
    assert ClientFactory(name="ACME").name_folded == "acme"


def test_the_schema_knows_nothing_of_how_the_value_is_made():
    _, path, args, options = FoldedField(sources=["name"], compute=str.upper).deconstruct()
    assert (path, args, options) == ("usermgmt.columns.FoldedField", [], {})


def test_no_form_takes_it(db):
    assert {column.name for column in User._meta.get_fields() if isinstance(column, FoldedField)} == {
        "email_canonical",
        "username_canonical",
        "name_sorted",
        "first_name_shown",
        "last_name_shown",
        "search_text",
    }
    assert not set(modelform_factory(User, fields="__all__").base_fields) & {"email_canonical", "name_sorted"}
    assert FoldedField(sources=["name"], editable=True).editable is False


def test_both_databases_sort_by_bytes(db):
    """A collation of a language would put "é" before "z" and ignore the hyphen."""
    for name in ("zoe", "été", "a-b", "aa", "Zack"):
        ClientFactory(name=name)
    assert list(Client.objects.order_by("name_folded").values_list("name", flat=True)) == [
        "a-b",
        "aa",
        "Zack",
        "zoe",
        "été",
    ]


def test_the_migration_step_touches_no_other_database_than_postgresql():
    editor = Mock(connection=SimpleNamespace(vendor="sqlite"))
    compare_bytes("clients.Client", "name_folded").code(None, editor)
    assert editor.mock_calls == []


def test_the_migration_step_alters_each_column_on_postgresql():
    ours = SimpleNamespace(
        vendor="postgresql",
        ops=connection.ops,
        data_types={"TextField": "text", "CharField": "varchar(%(max_length)s)"},
    )
    editor = Mock(connection=ours, quote_name=lambda name: f'"{name}"')
    compare_bytes("clients.Client", "name_folded", "name").code(apps, editor)
    assert [call.args[0] for call in editor.execute.mock_calls] == [
        'ALTER TABLE "clients_client" ALTER COLUMN "name_folded" TYPE text COLLATE "C"',
        'ALTER TABLE "clients_client" ALTER COLUMN "name" TYPE varchar(255) COLLATE "C"',
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("value", [{"longest": 1, "b": {"z": [{"y": 1, "a": 2}], "a": None}, "a": "é"}, {}])
def test_ordered_json_keeps_the_order_of_keys(value):
    made = FormConfiguration.objects.create(name="ordered", fields=value, default_payload=value)
    kept = FormConfiguration.objects.get(pk=made.pk)
    assert json.dumps(kept.fields) == json.dumps(value)
    assert FormConfiguration.objects.values_list("fields", flat=True).get(pk=made.pk) == value
    kept.fields = {"z": 1, "a": 2}
    kept.save(update_fields=["fields"])
    assert list(FormConfiguration.objects.get(pk=made.pk).fields) == ["z", "a"]
