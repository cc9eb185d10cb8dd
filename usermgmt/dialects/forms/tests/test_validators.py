"""Every validator, option and default message: a configuration, what is sent, and what is wrong with it (contract 4)."""

from datetime import UTC, datetime

import pytest

from usermgmt.dialects.forms.rules.compiling import compiled
from usermgmt.dialects.forms.rules.validations import OPTIONS

NOW = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)
BLANK, INVALID, NOT_A_NUMBER = "can't be blank", "is invalid", "is not a number"
NO_CHOICE, RESERVED = "is not included in the list", "is reserved"
SHORT, LONG, WRONG = (
    "is too short (minimum is 3 characters)",
    "is too long (maximum is 5 characters)",
    "is the wrong length (should be 4 characters)",
)

# The validation of a property `it`, values of it (a tuple's value is absence), and the messages for each of them.
ABSENT = ()
TABLE = [
    ({"presence": True}, ["", "  ", "\u2003\n", None, ABSENT, [], {}, False], [BLANK]),
    ({"presence": True}, ["a", 0, 0.0, True, [None], {"a": None}, "\0"], []),
    ({"presence": {}}, [""], [BLANK]),
    ({"presence": {"message": "is needed"}}, [""], ["is needed"]),
    ({"presence": False}, [""], []),
    ({"presence": None}, [""], []),
    ({"presence": {"allow_nil": True}}, [None, ABSENT], []),
    ({"presence": {"allow_nil": True}}, ["", False], [BLANK]),
    ({"presence": {"allow_blank": True}}, [None, "", []], []),
    ({"presence": {"if": True}}, [""], [BLANK]),
    ({"presence": {"if": False}}, [""], []),
    ({"presence": {"if": None}}, [""], [BLANK]),
    ({"email": True}, ["ann@example.com", " ann@example.com\n"], []),
    ({"email": True}, ["", None, ABSENT, "ann", "ann@", "a b@example.com", 5, "a@" + "b" * 255 + ".com"], [INVALID]),
    ({"email": {"allow_blank": True}}, ["", None, ABSENT], []),
    ({"email": {"message": "is no address"}}, ["ann"], ["is no address"]),
    ({"email": False}, ["ann"], []),
    ({"inclusion": {"in": ["a", 1, None]}}, ["a", 1, 1.0, None, ABSENT, ["a", 1]], []),
    ({"inclusion": {"in": ["a", 1]}}, ["b", "", True, "1", None, ABSENT, ["a", "b"], {}, {"a": 1}], [NO_CHOICE]),
    ({"inclusion": {"in": ["a"], "allow_nil": True}}, [None, ABSENT], []),
    ({"inclusion": {"in": ["a"], "allow_nil": True}}, [""], [NO_CHOICE]),
    ({"inclusion": {"in": ["a"], "allow_blank": True}}, ["", " ", None], []),
    ({"inclusion": {"in": ["a"], "message": "is odd"}}, ["b"], ["is odd"]),
    ({"exclusion": {"in": ["root", 0]}}, ["root", 0, ["ann", "root"]], [RESERVED]),
    ({"exclusion": {"in": ["root", 0]}}, ["ann", False, "0", None, ABSENT, [], {}], []),
    ({"exclusion": {"in": ["root"], "message": "is odd"}}, ["root"], ["is odd"]),
    ({"exclusion": {"in": ["", "root"], "allow_blank": True}}, [""], []),
    ({"format": {"with": r"\A\d+\z"}}, ["1", "123", 5], []),
    ({"format": {"with": r"\A\d+\z"}}, ["", None, ABSENT, "a", "1\n", "\u0661", True, ["1"], {}, 10**5000], [INVALID]),
    ({"format": {"with": r"\Atrue|1\.5\z"}}, [True, 1.5], []),
    ({"format": {"with": r"\A\d+\z", "allow_blank": True}}, ["", "  ", None], []),
    ({"format": {"with": r"\A\d+\z", "allow_nil": True}}, [""], [INVALID]),
    ({"format": {"with": r"\A\d+\z", "message": "has more than digits"}}, ["a"], ["has more than digits"]),
    ({"format": {"with": "a"}}, ["a" * 16384], []),
    ({"format": {"with": "a"}}, ["a" * 16385], [INVALID]),
    ({"length": {"minimum": 3}}, ["ab", "", None, ABSENT, [1, 2], {}, 12], [SHORT]),
    ({"length": {"minimum": 3}}, ["abc", "ééé", "\U0001f600" * 3, [1, 2, 3], 123, True], []),
    ({"length": {"maximum": 5}}, ["abcdef", [1] * 6, 10**5000, 123456], [LONG]),
    ({"length": {"maximum": 5}}, ["abcde", "", None, ABSENT, {}], []),
    ({"length": {"is": 4}}, ["abc", "abcde", None, ABSENT, ""], [WRONG]),
    ({"length": {"is": 4}}, ["abcd", True, [1, 2, 3, 4]], []),
    ({"length": {"minimum": 3, "maximum": 5, "is": 4}}, ["ab"], [SHORT, WRONG]),
    ({"length": {"minimum": 3, "maximum": 5, "is": 4}}, ["abcdef"], [LONG, WRONG]),
    ({"length": {"minimum": 3, "maximum": None}}, ["abcdef"], []),
    ({"length": {"minimum": 3, "allow_blank": True}}, ["", "   ", None], []),
    ({"length": {"minimum": 3, "allow_nil": True}}, [None, ABSENT], []),
    ({"length": {"minimum": 3, "message": "is tiny"}}, ["a"], ["is tiny"]),
    ({"numericality": True}, [1, -1.5, "1", " -1.50 ", "+.5", "1e3", "007"], []),
    ({"numericality": True}, [True, "", "a", "1,5", "0x1f", "1_000", "\u0661", None, ABSENT, [1], {}], [NOT_A_NUMBER]),
    ({"numericality": True}, ["1e999999999", "1e-999999999", "9" * 101, 10**101, "NaN", "Infinity"], [NOT_A_NUMBER]),
    ({"numericality": {"allow_nil": True}}, [None, ABSENT], []),
    ({"numericality": {"allow_nil": True}}, [""], [NOT_A_NUMBER]),
    ({"numericality": {"allow_blank": True}}, ["", " "], []),
    ({"numericality": {"message": "is odd"}}, ["a"], ["is odd"]),
    ({"numericality": {"greater_than": 5}}, [5, "5.0", -6], ["must be greater than 5"]),
    ({"numericality": {"greater_than": 5}}, ["5.000000000000000000001", 6], []),
    ({"numericality": {"greater_than_or_equal_to": 5}}, [4.9], ["must be greater than or equal to 5"]),
    ({"numericality": {"greater_than_or_equal_to": 5}}, [5], []),
    ({"numericality": {"equal_to": 0.1}}, [0.3], ["must be equal to 0.1"]),
    ({"numericality": {"equal_to": 0.1}}, [0.1, "0.10"], []),
    ({"numericality": {"less_than": 5}}, [5], ["must be less than 5"]),
    ({"numericality": {"less_than": 5}}, [4], []),
    ({"numericality": {"less_than_or_equal_to": 5}}, [6], ["must be less than or equal to 5"]),
    ({"numericality": {"less_than_or_equal_to": 5}}, [5], []),
    ({"numericality": {"other_than": 5}}, ["5"], ["must be other than 5"]),
    ({"numericality": {"other_than": 5}}, [6], []),
    ({"numericality": {"odd": True}}, [2, "0", "1e300"], ["must be odd"]),
    ({"numericality": {"odd": True}}, [1, "-3", 3.5], []),
    ({"numericality": {"even": True}}, [1, -1], ["must be even"]),
    ({"numericality": {"even": True, "odd": False}}, [2], []),
    ({"numericality": {"less_than": 9, "odd": True}}, [10], ["must be less than 9", "must be odd"]),
    ({"date": True}, ["2026-11-21", "0001-01-01", "9999-12-31"], []),
    ({"date": True}, ["", None, ABSENT, "2026-02-30", "21.11.2026", "2026-11-21T00:00:00Z", 5, "2026-1-1"], [INVALID]),
    ({"date": {"allow_blank": True}}, [""], []),
    ({"date": {"message": "is no day"}}, ["x"], ["is no day"]),
    ({"date": {"is_at": "2026-11-20"}}, ["2026-11-21"], ["Date is not is at 2026-11-20"]),
    ({"date": {"at": "today"}}, ["2026-11-20"], ["Date is not at today"]),
    ({"date": {"at": "today"}}, ["2026-11-21"], []),
    ({"date": {"before": "tomorrow"}}, ["2026-11-22"], ["Date is not before tomorrow"]),
    ({"date": {"before": "tomorrow"}}, ["2026-11-21"], []),
    ({"date": {"after": "now"}}, ["2026-11-21"], ["Date is not after now"]),
    ({"date": {"after": "yesterday"}}, ["2026-11-21"], []),
    ({"date": {"on_or_before": "18 years ago"}}, ["2008-11-22"], ["Date is not on or before 18 years ago"]),
    ({"date": {"on_or_before": "18 years ago"}}, ["2008-11-21"], []),
    ({"date": {"at_or_before": "a day ago"}}, ["2026-11-21"], ["Date is not at or before a day ago"]),
    ({"date": {"on_or_after": "in 2 weeks"}}, ["2026-12-04"], ["Date is not on or after in 2 weeks"]),
    ({"date": {"on_or_after": "in 2 weeks"}}, ["2026-12-05"], []),
    ({"date": {"at_or_after": "2026-11-21T23:00:00-02:00"}}, ["2026-11-21"],
     ["Date is not at or after 2026-11-21T23:00:00-02:00"]),
    ({"date": {"after": "999999999 years from now"}}, ["9999-12-31"], ["Date is not after 999999999 years from now"]),
    ({"date": {"after": "today", "before": "yesterday"}}, ["2026-11-21"],
     ["Date is not after today", "Date is not before yesterday"]),
    ({"datetime": True}, ["2026-11-21T18:30:00Z", "2026-11-21 18:30:00", "2026-11-21t18:30:00.123456789+02:00"], []),
    ({"datetime": True}, ["2026-11-21", "18:30", "", None, ABSENT, 0, "2026-11-21T25:00:00Z", "2026-11-21T18:30:00+99:99",
                          "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"], [INVALID]),
    ({"datetime": {"is_at": "now"}}, ["2026-11-21T18:30:01Z"], ["Datetime is not is at now"]),
    ({"datetime": {"is_at": "now"}}, ["2026-11-21T18:30:00", "2026-11-21T20:30:00+02:00"], []),
    ({"datetime": {"at": "2026-11-21"}}, ["2026-11-21T18:30:00Z"], ["Datetime is not at 2026-11-21"]),
    ({"datetime": {"at": "today"}}, ["2026-11-21T00:00:00Z"], []),
    ({"datetime": {"before": "now"}}, ["2026-11-21T18:30:00Z"], ["Datetime is not before now"]),
    ({"datetime": {"after": "an hour ago"}}, ["2026-11-21T17:30:00Z"], ["Datetime is not after an hour ago"]),
    ({"datetime": {"after": "an hour ago"}}, ["2026-11-21T17:30:01Z"], []),
    ({"datetime": {"on_or_before": "now"}}, ["2026-11-21T18:30:01Z"], ["Datetime is not on or before now"]),
    ({"datetime": {"at_or_before": "now"}}, ["2026-11-21T18:30:00Z"], []),
    ({"datetime": {"on_or_after": "1 month from now"}}, ["2026-12-21T18:29:59Z"],
     ["Datetime is not on or after 1 month from now"]),
    ({"datetime": {"at_or_after": "1 month from now"}}, ["2026-12-21T18:30:00Z"], []),
    ({"presence": True, "length": {"minimum": 3}, "format": {"with": "a"}}, [""], [BLANK, SHORT, INVALID]),
]  # fmt: skip


def errors(fields, payload, stored=None):
    return compiled("User", fields).judge(payload, stored, now=NOW).errors


def test_each_validator_tells_what_is_wrong():
    for validation, values, messages in TABLE:
        for value in values:
            sent = {} if value is ABSENT else {"properties": {"it": value}}
            told = errors({"properties": {"it": {"validation": validation}}}, sent)
            assert told == ({"properties.it": messages} if messages else {}), (validation, value)


def test_the_table_has_each_validator_with_each_of_its_options():
    shown = {name: set() for name in OPTIONS}
    for validation, _, _ in TABLE:
        for name, said in validation.items():
            shown[name].update(said if isinstance(said, dict) else ())
    apart = {"unique", "confirmation"}
    assert [name for name, options in OPTIONS.items() if not {*options} <= shown[name] and name not in apart] == []


VIRTUAL = {"property_options": {"virtual": True}}
CONFIRMED = {"first_name": {"validation": {"confirmation": True}}, "first_name_confirmation": VIRTUAL}


@pytest.mark.parametrize(
    ("fields", "sent", "expected"),
    [
        (CONFIRMED, {"first_name": "a", "first_name_confirmation": "a"}, {}),
        (CONFIRMED, {"first_name": "a"}, {}),
        (CONFIRMED, {"first_name": "a", "first_name_confirmation": None}, {}),
        (CONFIRMED, {"first_name": "a", "first_name_confirmation": "b"}, "doesn't match First name"),
        (CONFIRMED, {"first_name": "a", "first_name_confirmation": ""}, "doesn't match First name"),
        (CONFIRMED, {"first_name_confirmation": "b"}, "doesn't match First name"),
        (CONFIRMED | {"first_name": {"validation": {"confirmation": {"message": "differs"}}}},
         {"first_name": "a", "first_name_confirmation": "b"}, "differs"),
        (CONFIRMED | {"first_name": {"validation": {"confirmation": {"allow_blank": True}}}},
         {"first_name": "", "first_name_confirmation": "b"}, {}),
        (CONFIRMED | {"first_name": {"validation": {"confirmation": False}}},
         {"first_name": "a", "first_name_confirmation": "b"}, {}),
        (CONFIRMED | {"first_name": {"validation": {"confirmation": {"if": "last_name"}}}, "last_name": None},
         {"first_name": "a", "first_name_confirmation": "b"}, {}),
    ],
)  # fmt: skip
def test_a_confirmation_is_judged_if_it_is_sent_and_its_fault_stands_beside_the_field(fields, sent, expected):
    told = {"first_name_confirmation": [expected]} if expected else {}
    assert errors(fields, sent) == told


def test_a_confirmation_may_stand_in_a_section_and_before_its_field():
    fields = {"properties": {"pin_confirmation": VIRTUAL, "pin": {"validation": {"confirmation": True}}}}
    outcome = compiled("User", fields).judge({"properties": {"pin": "1", "pin_confirmation": "2"}}, None, now=NOW)
    assert outcome.errors == {"properties.pin_confirmation": ["doesn't match Pin"]}
    assert outcome.written == {"properties": {"pin": "1"}}


CONDITIONAL = {
    "featured": {},
    "last_name": {},
    "terms": VIRTUAL,
    "first_name": {"validation": {"presence": {"if": "last_name"}}},
    "name": {"validation": {"presence": {"if": "featured"}}},
    "middle_name": {"validation": {"presence": {"if": "terms"}}},
    "properties": {"a": {}, "b": {"validation": {"presence": {"if": "a"}}}},
    "external_id": {"validation": {"presence": {"if": "properties.a"}}},
}


@pytest.mark.parametrize(
    ("sent", "stored", "blank"),
    [
        ({}, None, []),
        ({"last_name": " ", "featured": False, "terms": [], "properties": {"a": ""}}, None, []),
        ({"last_name": "a"}, None, ["first_name"]),
        ({"featured": "1"}, None, ["name"]),
        ({"terms": 0}, None, ["middle_name"]),
        ({"properties": {"a": 1}}, None, ["properties.b", "external_id"]),
        ({}, {"last_name": "a", "featured": True, "name": "x"}, ["first_name"]),
        ({"last_name": None}, {"last_name": "a"}, []),
    ],
)
def test_a_rule_applies_where_the_field_that_it_names_is_not_blank(sent, stored, blank):
    assert errors(CONDITIONAL, sent, stored) == {field: [BLANK] for field in blank}


LENGTHS = {"length": {"minimum": 6}}


@pytest.mark.parametrize(
    ("validation", "password", "expected"),
    [
        ({"presence": True}, "", "can't be blank"),
        ({"presence": True, **LENGTHS}, "", "can't be blank and is too short (minimum is 6 characters)"),
        ({"presence": True, **LENGTHS, "format": {"with": "a"}}, "",
         "can't be blank, is too short (minimum is 6 characters), and is invalid"),
        (LENGTHS, "secre", "is too short (minimum is 6 characters)"),
        (LENGTHS, 5, "is invalid"),
        (LENGTHS, None, "is too short (minimum is 6 characters)"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_password_is_one_sentence(validation, password, expected):
    assert errors({"password": {"validation": validation}}, {"password": password}) == {"password": [expected]}


@pytest.mark.parametrize(
    ("validation", "sent", "stored", "expected"),
    [
        ({}, {}, None, [INVALID, BLANK]),
        ({}, {"email": " "}, None, [INVALID, BLANK]),
        ({}, {"email": None}, {"email": "a@example.com"}, [INVALID, BLANK]),
        ({}, {}, {"email": "a@example.com"}, []),
        ({}, {"email": "no address"}, None, []),
        ({}, {"email": 5}, None, [INVALID]),
        ({"presence": {"message": "is needed"}}, {}, None, [INVALID, "is needed"]),
        ({"presence": True, "email": True, "format": {"with": "a"}, "length": {"minimum": 3}}, {}, None,
         [INVALID, BLANK, SHORT]),
        ({"email": True, "presence": True}, {"email": "no address"}, None, [INVALID]),
    ],
)  # fmt: skip
def test_no_address_is_two_faults_whatever_the_rules(validation, sent, stored, expected):
    told = {"email": expected} if expected else {}
    assert errors({"email": {"validation": validation}}, sent, stored) == told


def test_a_session_has_no_rules_but_those_told():
    form = compiled("Session", {"email": None, "password": {"validation": {"presence": True}}})
    outcome = form.judge({"email": "", "password": "", "name": "x"}, None, now=NOW)
    assert (outcome.written, outcome.errors) == ({"email": "", "password": ""}, {"password": [BLANK]})
