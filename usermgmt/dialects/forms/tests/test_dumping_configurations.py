"""`manage.py dump_form_configurations`: configurations into files, which load as they were."""

import stat

import hypothesis
import pytest
from django.core.management.base import CommandError
from hypothesis import strategies as st

from accounts.models import Event
from accounts.tests.test_commands import run
from usermgmt.dialects.forms import configurations, files
from usermgmt.dialects.forms.configurations import Draft
from usermgmt.dialects.forms.management.commands import dump_form_configurations
from usermgmt.dialects.forms.models import FormConfiguration
from usermgmt.dialects.forms.tests.forms import PERSON
from usermgmt.dialects.forms.vendor import CONFIGURATIONS, make_present

COMMAND = "dump_form_configurations"
ODD = ["yes", "null", "~", "", " x ", "5", "05", "0x1f", "1e5", "1.5", ".5", "-", "- a", "a: b", "a #b", "12:30", "<<"]
ODD += [
    "2020-01-01",
    "=",
    "!a",
    "&a",
    "*a",
    "|",
    ">",
    "%a",
    "@a",
    "`",
    "'",
    '"',
    "\n",
    "a\n\n b \n",
    "\ta",
    "\r\n",
    "\x85",
]
ODD += ["\u2028", "\x7f", "\x1b[31m", "é", "👍", "---", "...", "\ufeff", "{}", "[", "? a", "x" * 255]


@pytest.fixture
def there(db):
    make_present()
    fields = PERSON | {"properties": {"odd": {"validation": {"inclusion": {"in": [*ODD, 1, -2.5, 1e300, None, True]}}}}}
    configurations.create(
        actor=None,
        name="all",
        fields=fields,
        resource_owner="anyone",
        default_payload={"properties": {"odd": dict.fromkeys(filter(None, ODD), ODD), "n": [10**300, 0.1, 1e-7, {}]}},
        authorization_policies=["same_client", "administrator"],
        request_allowed=False,
        email_notifications=["verification", "welcome"],
    )
    return list(FormConfiguration.objects.order_by("pk").values())


def same(there):
    """Whether the directory is as it was, and that loading it back said so."""
    return list(FormConfiguration.objects.order_by("pk").values()) == there


def test_what_is_dumped_loads_back_as_unchanged(there, tmp_path):
    events = Event.objects.count()
    one, each = tmp_path / "one.yml", tmp_path / "each"
    assert run(COMMAND, "--output", str(one))[0] == f"Wrote {len(there)} form configurations to {one}.\n"
    assert run(COMMAND, "--directory", str(each))[0] == f"Wrote {len(there)} form configurations to {each}.\n"
    names = {row["name"] for row in there}
    assert {file.name for file in each.iterdir()} == {f"{name}.yml" for name in names}
    for place in (one, each):
        told = run("load_form_configurations", str(place))[0].splitlines()
        assert told[-1] == f"0 created, 0 updated, {len(there)} unchanged."
    assert same(there)
    assert Event.objects.count() == events
    assert stat.S_IMODE(one.stat().st_mode) == 0o600


def test_what_is_dumped_loads_into_an_empty_directory(there, tmp_path):
    run(COMMAND, "--directory", str(tmp_path))
    columns = [{column: row[column] for column in configurations.COLUMNS} for row in there]
    FormConfiguration.objects.all().delete()
    told = run("load_form_configurations", str(tmp_path))[0].splitlines()
    assert told[-1] == f"{len(there)} created, 0 updated, 0 unchanged."
    for row in columns:
        found = FormConfiguration.objects.get(name=row["name"])
        assert {column: getattr(found, column) for column in configurations.COLUMNS} == row


def test_the_text_is_the_same_every_time_and_the_one_that_people_would_write(db):
    make_present()
    FormConfiguration.objects.exclude(name="reference_rest_api_update_user").delete()
    configurations.create(actor=None, name="a", resource="Session", default_payload={"b": 1, "a": [2, "yes"]})
    text = run(COMMAND)[0]
    assert text == run(COMMAND, "--output=-")[0]
    assert text == (
        "- name: a\n  resource: Session\n  resource_owner: self\n  request_allowed: true\n  fields: {}\n"
        "  default_payload:\n    b: 1\n    a:\n    - 2\n    - 'yes'\n"
        "- name: reference_rest_api_update_user\n  resource: User\n  resource_owner: anyone\n  request_allowed: true\n"
        "  fields:\n    first_name:\n      validation:\n        presence: true\n"
    )


@pytest.mark.parametrize("told", CONFIGURATIONS, ids=lambda told: told["name"])
def test_each_of_the_vendor_s_reads_as_it_is_written(told):
    row = FormConfiguration(**told)
    (reading,) = files.read(files.written(row).encode(), "other")
    assert (reading.faults, reading.left_out) == ((), ())
    assert reading.draft.columns() == {column: getattr(row, column) for column in configurations.COLUMNS}


TEXTS = st.one_of(st.text(max_size=20), st.sampled_from(ODD)).filter(lambda text: "{{" not in text and "{%" not in text)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
)


@hypothesis.given(
    payload=st.dictionaries(TEXTS, VALUES, max_size=4), name=st.from_regex(r"[0-9a-z_./-]{1,20}", fullmatch=True)
)
def test_whatever_values_there_are_read_as_they_are_written(payload, name):
    row = FormConfiguration(name=name, fields={"email": payload}, default_payload=payload)
    for text in (files.written(row), files.written([row, row])):
        for reading in files.read(text.encode(), ""):
            assert reading.faults == ()
            expected = Draft(name=name, fields={"email": payload}, default_payload=payload)
            assert reading.draft.columns() == expected.columns()


def test_a_name_that_leads_elsewhere_is_written_by_its_number(db, tmp_path):
    FormConfiguration.objects.all().delete()
    names = ["../up", "/etc/passwd", "a//b", "a/", ".", "..", "a.yml/b", "a", "b/c", "b/c/d", ".hidden", "-", "x" * 255]
    rows = {name: configurations.create(actor=None, name=name) for name in names}
    place = tmp_path / "in"
    run(COMMAND, "--directory", str(place))
    plain = {"a", "b/c", "b/c/d", "-"}
    expected = {f"{name}.yml" if name in plain else f"@{row.pk}.yml" for name, row in rows.items()}
    assert {str(file.relative_to(place)) for file in place.rglob("*") if file.is_file()} == expected
    assert [file.name for file in tmp_path.iterdir()] == ["in"]
    told = run("load_form_configurations", str(place))[0].splitlines()
    assert told[-1] == f"0 created, 0 updated, {len(names)} unchanged."


def test_what_can_t_be_written_is_an_error_message(there, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for arguments, told in (
        (["--output", str(tmp_path / "nil" / "x")], "No such file or directory"),
        (["--directory", str(tmp_path / "file")], "File exists"),
        (["--directory", str(tmp_path / "file" / "x")], "Not a directory"),
        (["--directory", str(tmp_path), "--output", "x"], "not allowed with argument"),
    ):
        with pytest.raises(CommandError, match=told):
            run(COMMAND, *arguments)
    monkeypatch.setattr(dump_form_configurations.files, "MAX_BYTES", 2048)
    with pytest.raises(CommandError, match="can't hold all 5 form configurations: use --directory"):
        run(COMMAND)
    with pytest.raises(CommandError, match="can't hold the form configuration all"):
        run(COMMAND, "--directory", str(tmp_path))
