"""A configuration is compiled once in each process, and anew when its row changes (contract 4)."""

import uuid

import pytest

from accounts.models import User
from usermgmt.dialects.forms import compiled, configurations
from usermgmt.dialects.forms.models import FormConfiguration
from usermgmt.dialects.forms.tests.forms import CREATE, EXAMPLE, PRESENT, asked, configured, errors_of, made, shown


@pytest.fixture
def compilations(monkeypatch):
    """The fields of each configuration that is compiled for a request."""
    compiled._kept.cache_clear()
    seen, compile_ = [], compiled.compiled

    def counted(resource, fields, **options):
        seen.append(fields)
        return compile_(resource, fields, **options)

    monkeypatch.setattr(compiled, "compiled", counted)
    yield seen
    compiled._kept.cache_clear()


def row_of(name):
    return FormConfiguration.objects.get(name=name)


def post(caller, name, n, **more):
    return caller.post("/api/users", asked(EXAMPLE | {"email": f"new{n}@example.com"} | more, name))


def test_many_requests_compile_a_configuration_once(administrator, compilations):
    for n in range(5):
        made(post(administrator, CREATE, n))
        errors_of(post(administrator, CREATE, n))
    assert len(compilations) == 1


def test_showing_users_compiles_each_configuration_of_users_once(cast, administrator, compilations):
    configured({"last_name": {}})
    for _ in range(3):
        assert shown(administrator, cast.owner)["last_name"] == ""
    assert len(compilations) == FormConfiguration.objects.filter(resource="User").count()


def test_the_next_request_goes_by_a_change(cast, administrator, compilations):
    name = configured()
    made(post(administrator, name, 1))
    row = row_of(name)
    configurations.update(actor=None, configuration_id=row.pk, fields={**row.fields, "last_name": PRESENT})
    assert errors_of(post(administrator, name, 2)) == {"last_name": ["can't be blank"]}
    assert shown(administrator, cast.owner)["last_name"] == ""

    # A write that says nothing new compiles nothing.
    before = len(compilations)
    configurations.update(actor=None, configuration_id=row.pk, fields=row_of(name).fields)
    errors_of(post(administrator, name, 2))
    assert len(compilations) == before

    configurations.update(actor=None, configuration_id=row.pk, name="other")
    errors_of(post(administrator, name, 3, last_name="A"), 406)
    made(post(administrator, "other", 3, last_name="A"))
    configurations.update(actor=None, configuration_id=row.pk, request_allowed=False)
    errors_of(post(administrator, "other", 4, last_name="A"), 406)
    configurations.delete(actor=None, configuration_id=row.pk)
    errors_of(post(administrator, "other", 4, last_name="A"), 406)


def test_another_process_goes_by_a_change_at_once_too(administrator, compilations, monkeypatch):
    """Two processes are two caches; whichever wrote, both read the revision of the row."""
    here, there = compiled._kept, compiled.lru_cache(maxsize=10)(compiled._kept.__wrapped__)
    name = configured()
    row = row_of(name)
    for n, cache in enumerate((here, there)):
        monkeypatch.setattr(compiled, "_kept", cache)
        made(post(administrator, name, n))
    configurations.update(actor=None, configuration_id=row.pk, fields={**row.fields, "last_name": PRESENT})
    for cache in (here, there, here):
        monkeypatch.setattr(compiled, "_kept", cache)
        assert errors_of(post(administrator, name, 9)) == {"last_name": ["can't be blank"]}
    assert len(compilations) == 4


def test_a_name_that_passes_to_another_row_is_the_other_s(administrator, compilations):
    name = configured()
    made(post(administrator, name, 1))
    configurations.delete(actor=None, configuration_id=row_of(name).pk)
    configured({"last_name": PRESENT}, name=name)
    assert errors_of(post(administrator, name, 2)) == {"last_name": ["can't be blank"]}


BAD = [
    {"fields": {"email": {"validation": {"nonsense": True}}}},
    {"fields": {"email": {"validation": {"format": {"with": "(a+)+$"}}}}},
    {"fields": []},
    {"fields": "text"},
    {"fields": 5},
    {"default_payload": []},
    {"default_payload": "text"},
    {"authorization_policies": 5},
    {"authorization_policies": [["administrator"]]},
    {"authorization_policies": "administrator"},
    {"email_notifications": [{}]},
    {"email_notifications": 1},
]


@pytest.mark.parametrize("column", BAD, ids=str)
def test_a_stored_row_that_can_t_be_used_is_no_configuration(cast, administrator, caplog, column):
    name = configured()
    FormConfiguration.objects.filter(name=name).update(**column, revision=uuid.uuid4())
    before = User.objects.count()
    for n in range(2):
        errors_of(post(administrator, name, n), 406)
        assert shown(administrator, cast.owner)["id"] == cast.owner.pk
    assert User.objects.count() == before
    told = [record.getMessage() for record in caplog.records if record.name == "usermgmt.dialects.forms"]
    (line,) = told
    assert line.startswith(f"form configuration {name} can't be used: ")
    made(post(administrator, CREATE, 1))


@pytest.mark.parametrize("column", [{"resource": "Nothing"}, {"authorization_policies": ["unknown"]}], ids=str)
def test_what_a_stored_row_says_of_nothing_known_lets_nobody_through(administrator, column):
    name = configured()
    FormConfiguration.objects.filter(name=name).update(**column, revision=uuid.uuid4())
    errors_of(post(administrator, name, 1), 403 if "authorization_policies" in column else 406)
