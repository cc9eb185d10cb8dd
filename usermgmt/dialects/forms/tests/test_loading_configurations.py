"""`manage.py load_form_configurations`: configurations out of files."""

import io
import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import Event
from accounts.tests.test_commands import run
from usermgmt.dialects.forms import configurations
from usermgmt.dialects.forms.management.commands import load_form_configurations
from usermgmt.dialects.forms.models import FormConfiguration
from usermgmt.dialects.forms.tests.forms import CREATE, PRESENT
from usermgmt.dialects.forms.vendor import CONFIGURATIONS

pytestmark = pytest.mark.django_db

COMMAND = "load_form_configurations"
FULL = """---
name: Sign Up
resource: User
fields:
  email:
    validation: { presence: true, email: true }
  first_name:
  code:
    property_options: { virtual: yes, default: 2020-01-01 }
    validation:
      format: { with: '/\\A\\d{4}-\\d{2}-\\d{2}\\z/', message: 12:30 }
  properties:
    score:
      validation:
        numericality: { greater_than: 0.5, less_than: 10 }
resource_owner: anyone
default_payload: '{"first_name": "Ümit"}'
authorization_policies: [administrator, same_client]
email_notifications:
- welcome
request_allowed: false
redirect_to: /thanks
flash_notice: ~
---
<form>{{ form }}</form>
--- not yaml: [
"""
FORMER = """name: sign_up
base_form: UserForm
configuration:
  email: {}
return_to: /
callback_actions: ''
async_callback_actions:
spam_protection: []
sms_notifications: {}
api_call_notifications: false
"""


@pytest.fixture
def files(tmp_path):
    """Writes files below a directory, which it gives."""

    def write(**contents):
        for name, content in contents.items():
            place = tmp_path / name.replace("__", "/").replace("_DOT_", ".")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path

    return write


def load(*paths):
    return run(COMMAND, *map(str, paths))[0].splitlines()


def refused(*paths):
    """What is told of files that can't be loaded, a line a fault; and that nothing is written."""
    before = list(FormConfiguration.objects.order_by("pk").values())
    events = Event.objects.count()
    told = io.StringIO()
    with pytest.raises(CommandError) as error:
        call_command(COMMAND, *map(str, paths), stdout=io.StringIO(), stderr=told)
    assert list(FormConfiguration.objects.order_by("pk").values()) == before
    assert Event.objects.count() == events
    faults = told.getvalue().splitlines()
    if not faults:
        return str(error.value)
    assert str(error.value) == f"Nothing was written: {len(faults)} fault{'' if len(faults) == 1 else 's'}."
    return faults


def columns(name):
    row = FormConfiguration.objects.get(name=name)
    return {column: getattr(row, column) for column in configurations.COLUMNS}


def test_a_head_between_lines_says_everything_and_the_body_nothing(files):
    place = files(a_DOT_liquid=FULL) / "a.liquid"
    assert load(place) == [
        f"{place}: sign_up created; left out: the body, redirect_to, flash_notice",
        "1 created, 0 updated, 0 unchanged.",
    ]
    assert columns("sign_up") == {
        "name": "sign_up",
        "resource": "User",
        "fields": {
            "email": {"validation": {"presence": True, "email": True}},
            "first_name": None,
            "code": {
                "property_options": {"virtual": True, "default": "2020-01-01"},
                "validation": {"format": {"with": "/\\A\\d{4}-\\d{2}-\\d{2}\\z/", "message": "12:30"}},
            },
            "properties": {"score": {"validation": {"numericality": {"greater_than": 0.5, "less_than": 10}}}},
        },
        "resource_owner": "anyone",
        "default_payload": {"first_name": "Ümit"},
        "authorization_policies": ["administrator", "same_client"],
        "request_allowed": False,
        "email_notifications": ["welcome"],
    }
    row = FormConfiguration.objects.get(name="sign_up")
    event = Event.objects.about("form_configuration", row.pk).get()
    assert (event.action, event.contract, event.actor_id) == ("form_configuration.created", "command", None)


def test_the_keys_of_the_former_generation_say_the_same(files):
    place = files(a_DOT_yml=FORMER) / "a.yml"
    assert load(place)[0] == f"{place}: sign_up created; left out: return_to"
    told = columns("sign_up")
    assert (told["resource"], told["fields"], told["resource_owner"]) == ("User", {"email": {}}, "self")
    assert (told["default_payload"], told["email_notifications"], told["request_allowed"]) == ({}, [], True)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("resource: Session", {"resource": "Session"}),
        ("---\nresource: User\n", {}),
        ("\n---\nresource: User\n---", {}),
        ("\ufeff---\r\nresource: User\r\n---\r\n<p>", {}),
        ("%YAML 1.1\n---\nresource: User\n", {}),
        ("resource: User\ndefault_payload: {name: {deep: [1]}}", {"default_payload": {"name": {"deep": [1]}}}),
        ("resource: User\nname: ''\nfields: {}\nresource_owner:\nrequest_allowed:\ndefault_payload: ' '", {}),
        ('{"resource": "User", "request_allowed": false}', {"request_allowed": False}),
        ("- resource: User\n  name: b/c", {"name": "b/c"}),
    ],
)
def test_the_same_is_said_in_several_ways(files, content, told):
    load(files(b__c_DOT_html=content))
    plain: dict[str, object] = {
        "name": "b/c",
        "resource": "User",
        "fields": {},
        "resource_owner": "self",
        "default_payload": {},
    }
    plain |= {"authorization_policies": [], "request_allowed": True, "email_notifications": []}
    assert columns("b/c") == plain | told


def test_a_directory_is_read_through_and_paths_are_names(files):
    place = files(
        Sign_DOT_yml="resource: User",
        b__c__d_e_DOT_YAML="resource: User",
        b__x_DOT_html_DOT_liquid="resource: User",
        b__notes_DOT_txt="no: yaml",
        **{"with space__f g_DOT_html": "---\nresource: User\n---"},
    )
    names = ["sign", "b/c/d_e", "b/x.html", "with_space/f_g"]
    assert load(place)[-1] == "4 created, 0 updated, 0 unchanged."
    assert set(names) <= set(FormConfiguration.objects.values_list("name", flat=True))


def test_what_is_as_its_file_says_is_left_alone_and_what_is_not_is_changed(files):
    place = files(a_DOT_yml=FORMER, b_DOT_yml="resource: Session")
    load(place)
    before = {row.name: (row.version, row.revision) for row in FormConfiguration.objects.all()}
    events = Event.objects.count()
    assert load(place)[-1] == "0 created, 0 updated, 2 unchanged."
    assert {row.name: (row.version, row.revision) for row in FormConfiguration.objects.all()} == before
    assert Event.objects.count() == events

    files(a_DOT_yml=FORMER.replace("email: {}", "email: {}\n  name: {}"))
    configurations.update(
        actor=None, configuration_id=FormConfiguration.objects.get(name="b").pk, resource_owner="anyone"
    )
    assert load(place)[-1] == "0 created, 2 updated, 0 unchanged."
    assert columns("sign_up")["fields"] == {"email": {}, "name": {}}
    assert columns("b")["resource_owner"] == "self"  # a file says all: what it does not say is as usual


def test_the_vendor_s_configurations_are_changed_as_any(files):
    load(files(**{f"{CREATE}_DOT_yml": "resource: User\nfields: {email: }"}))
    assert columns(CREATE)["fields"] == {"email": None}
    assert FormConfiguration.objects.count() == len(CONFIGURATIONS)


def test_a_dry_run_tells_all_and_writes_nothing(files):
    place = files(a_DOT_yml=FORMER, b_DOT_yml="resource: User")
    load(place / "b.yml")
    before, events = list(FormConfiguration.objects.order_by("pk").values()), Event.objects.count()
    assert load("--dry-run", place) == [
        f"{place}/a.yml: sign_up would be created; left out: return_to",
        f"{place}/b.yml: b would be unchanged",
        "Dry run: 1 created, 0 updated, 1 unchanged.",
    ]
    assert list(FormConfiguration.objects.order_by("pk").values()) == before
    assert Event.objects.count() == events


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "must have keys and values"),
        ("---\n---\nresource: User", "must have keys and values"),
        ("text", "must have keys and values"),
        ("- text", "must have keys and values"),
        (b"resource: User\nname: \xff", "is not UTF-8"),
        (b"#" * (1024 * 1024 + 1), "is larger than 1024 KiB"),
        ("name: [", "line 1: "),
        ("a: 1\nb: \0", "is no YAML: special characters"),
        ("resource: User\n\tname: x", "line 2: "),
        ("resource: User\n---\nresource: User", "line 2: but found another document"),
        ("a: &x [1]\nb: *x", "line 1: anchors and aliases are not taken"),
        ("b: *x", "line 1: anchors and aliases are not taken"),
        ("a: !!python/object/apply:os.system ['true']", "line 1: tags are not taken"),
        ("a: !!binary aGk=", "line 1: tags are not taken"),
        ("a: ! x", "line 1: tags are not taken"),
        ("resource: User\nresource: Session", "line 2: a key is there twice"),
        ("fields: {email: {}, 'email': {}}", "line 1: a key is there twice"),
        ("fields:\n  1: {}", "line 2: a key is no text: quote it"),
        ("fields: {on: {}}", "line 1: a key is no text: quote it"),
        ("fields: {? [a] : {}}", "line 1: a key is no text: quote it"),
        ("a: " + "[" * 40 + "]" * 40, "line 1: values are nested deeper than 32 levels"),
        ("a: " + "[" * 500_000, "line 1: values are nested deeper than 32 levels"),
        ("a: " + "9" * 5000, "has a number that is too large"),
        ('a: "\\UFFFFFFFF"', "has a number that is too large"),
        ("name: x", "resource is required"),
        ("resource: King", "resource is not one of User, Session"),
        ("base_form: CustomizationForm", "resource is not one of User, Session"),
        ("resource: [User]", "resource must be a text"),
        ("resource: User\nbase_form: UserForm", "base_form means resource, which is there already"),
        ("resource: User\nconfiguration: {email: }\nfields: {name: }", "fields means fields, which is there already"),
        ("resource: User\nname: 5", "name must be a text"),
        ("resource: User\nname: ä", "name is invalid"),
        (f"resource: User\nname: {'x' * 256}", "name is too long (maximum is 255 characters)"),
        ('resource: User\nname: "a\\0b"', "name is invalid"),
        ('resource: User\nname: "\\ud800"', "name is invalid"),
        ("resource: User\nfields: [email]", "fields must have keys and values"),
        ("resource: User\nfields: {email: {lenght: 1}}", "fields.email.lenght is not known"),
        ('resource: User\nfields: {"a\\e[31mb": {}}', "fields.a\ufffd[31mb is no name"),
        ("resource: User\nfields: {name: {property_options: {default: .inf}}}", None),
        ("resource: User\nresource_owner: creator", "resource_owner is not one of self, anyone"),
        ("resource: User\nresource_owner: [self]", "resource_owner must be a text"),
        ("resource: User\ndefault_payload: '[1]'", "default_payload must be a JSON object, or have keys"),
        ("resource: User\ndefault_payload: [1]", "default_payload must have keys and values"),
        ("resource: User\ndefault_payload: '{\"a\": NaN}'", "default_payload must be a JSON object, or have keys"),
        ('resource: User\ndefault_payload: {a: "\\ud800"}', "default_payload is invalid"),
        ("resource: User\ndefault_payload: '{\"a\": {{ b }}}'", "default_payload has a template: "),
        ("resource: User\ndefault_payload: {a: ['{% if %}']}", "default_payload.a.0 has a template: "),
        ("resource: User\nauthorization_policies: nobody", "authorization_policies must be a list of names"),
        ("resource: User\nauthorization_policies: [5]", "authorization_policies must be a list of names"),
        ("resource: User\nauthorization_policies: [king]", "authorization_policies is not one of administrator"),
        ("resource: User\nemail_notifications: [sms]", "email_notifications is not one of welcome"),
        ("resource: Session\nemail_notifications: [welcome]", "email_notifications can't be sent for sessions"),
        ("resource: User\nrequest_allowed: maybe", "request_allowed must be true or false"),
        ("resource: User\nrequest_allowed: 1", "request_allowed must be true or false"),
        ("resource: User\nfeilds: ", "feilds is not known: use name, resource, fields"),
        ("resource: User\n<<: {name: x}", "<< is not known"),
        ("resource: User\nfields: {email: {validation: {presence: {message: '{{ a }}'}}}}", "fields.email.validation."),
        ("resource: User\nname: '{{ a }}'", "name has a template"),
        ("resource: User\nredirect_to: '/{{ a }}'", "redirect_to has a template"),
        ("resource: User\nflash_notice: {'{% x': 1}", "flash_notice.{% x has a template"),
        ("resource: User\nauthorization_policies: ['{% x %}']", "authorization_policies.0 has a template"),
        ("resource: User\nfields: {transactables: {bike: }}", "fields.transactables.bike is no type of"),
        *(
            (f"resource: User\n{key}: {value}", f"{key} is not supported")
            for key, value in {
                "callback_actions": "'{{ x }}'",
                "async_callback_actions": "{content: x}",
                "sms_notifications": "[x]",
                "api_call_notifications": "[x]",
                "spam_protection": "recaptcha_v2",
            }.items()
        ),
    ],
)
def test_what_is_wrong_is_told_of_its_file_and_nothing_is_written(files, content, told):
    place = files(good_DOT_yml="resource: User", bad_DOT_yml=content)
    if told is None:  # `.inf` is a text here
        load(place)
        return
    faults = refused(place)
    assert len(faults) == 1
    assert faults[0].startswith(f"{place}/bad.yml: {told}")
    assert faults[0].isprintable()


def test_every_fault_of_every_file_is_told_at_once(files):
    place = files(
        a_DOT_yml="base_form: UserForm\nname: 5\nfields: {email: {x: 1}, shoe: }\nspam_protection: yes\nnope: 1",
        b_DOT_yml="[",
        c__d_DOT_yml="- resource: User\n  name: ok\n- resource: User\n- name: ok",
    )
    assert [" ".join(fault.removeprefix(f"{place}/").split(" ")[:4]) for fault in refused(place)] == [
        "b.yml: line 1: expected",
        "a.yml: name must be",
        "a.yml: spam_protection is not",
        "a.yml: nope is not",
        "a.yml: fields.email.x is not",
        "a.yml: fields.shoe is no",
        "c/d.yml [2]: name can't",
        "c/d.yml [3]: resource is",
        "c/d.yml [3]: name is",
    ]


def test_two_files_of_one_name_are_a_fault(files):
    place = files(a_DOT_yml="resource: User\nname: B", b_DOT_yml="resource: User\nfields: {email: {x: }}")
    faults = refused(place)
    assert faults[0] == f"{place}/b.yml: name is b in {place}/a.yml, too"
    assert faults[1].startswith(f"{place}/b.yml: fields.email.x is not known")
    assert refused(place / "a.yml", place / "a.yml") == [f"{place}/a.yml: name is b in {place}/a.yml, too"]


def test_more_than_there_may_be_are_refused(files, monkeypatch):
    place = files(**{f"f{number}_DOT_yml": "resource: User" for number in range(3)})
    there = FormConfiguration.objects.count()
    monkeypatch.setattr(configurations, "MAX_CONFIGURATIONS", there + 2)
    assert len(refused(place)) == 1
    monkeypatch.setattr(load_form_configurations, "MAX_CONFIGURATIONS", 2)
    assert refused(place) == "These are 3 files; the directory holds 2 at most."
    listed = files(in__one_DOT_yml="- {resource: User, name: x}\n" * 3) / "in"
    assert refused(listed) == "These are 3 form configurations; the directory holds 2 at most."


def test_of_one_file_no_more_faults_are_told_than_anybody_reads(files):
    place = files(a_DOT_yml="resource: User\n" + "".join(f"k{number}: 1\n" for number in range(1000)))
    assert len(refused(place)) == 50


def test_files_that_are_not_there_or_can_t_be_read_are_an_error_message(files, tmp_path):
    assert refused(tmp_path / "nil") == f"{tmp_path}/nil: there is no such file or directory."
    assert refused(tmp_path).startswith("There is no file (.yml, .yaml, .liquid, .html) in ")
    assert refused("\0").startswith("\ufffd: ")
    assert "File name too long" in refused("x" * 5000)
    assert refused("\udcff").startswith("\ufffd: ")
    with pytest.raises(CommandError, match="PATH"):
        run(COMMAND)
    (tmp_path / "loop.yml").symlink_to("loop.yml")
    (tmp_path / "gone.yml").symlink_to("nowhere")
    assert refused(tmp_path).startswith("There is no file")


def test_a_payload_is_the_same_as_a_text_or_in_keys(files):
    payload = {"first_name": "Ü", "properties": {"a": [1, 2.5, True, None]}}
    place = files(
        a_DOT_yml=f"resource: User\nfields: {{email: {json.dumps(PRESENT)}}}\ndefault_payload: '{json.dumps(payload)}'",
        b_DOT_yml=f"resource: User\ndefault_payload: {json.dumps(payload)}",
    )
    load(place)
    assert columns("a")["default_payload"] == columns("b")["default_payload"] == payload
