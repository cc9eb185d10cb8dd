"""Form configurations in files: a head of YAML, between two lines of `---` or the whole file (contract 4)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from usermgmt.dialects.forms.compiled import normalised
from usermgmt.dialects.forms.configurations import COLUMNS, Draft, templates_in
from usermgmt.dialects.forms.models import FormConfiguration
from usermgmt.dialects.forms.rules.vocabulary import MAX_FAULTS
from usermgmt.errors import Fault
from usermgmt.http.parsers import MAX_DEPTH, BadBody, loads

SUFFIXES: Final = (".yml", ".yaml", ".liquid", ".html")
MAX_BYTES: Final = 1024 * 1024

FORMER: Final = {"base_form": "resource", "configuration": "fields"}
"""The keys of 2017 and 2018 to those of today."""

LEFT_OUT: Final = ("redirect_to", "return_to", "flash_notice", "flash_alert")
"""What is for people at a browser, and means nothing to a program."""

UNSUPPORTED: Final = (
    "callback_actions",
    "async_callback_actions",
    "sms_notifications",
    "api_call_notifications",
    "spam_protection",
)
BODY: Final = "the body"

_HEAD = re.compile(r"\s*^---[ \t]*\n(?P<head>.*?)^---[ \t]*$(?P<body>.*)", re.DOTALL | re.MULTILINE)
_ALWAYS: Final = ("name", "resource", "resource_owner", "request_allowed", "fields")  # what a written file tells


class Unreadable(Exception):
    """The text is none that a configuration can be read from; says why, and where that is known."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says of a configuration. faults: of what it says, found while reading; left_out: the keys that mean
    nothing here, and were left out."""

    draft: Draft
    faults: tuple[Fault, ...]
    left_out: tuple[str, ...]


def read(content: bytes, name: str) -> list[Reading]:
    """The configurations of a file: one, or a list of them. name: of one that says none. Raises Unreadable."""
    text = _text(content)
    split = _HEAD.match(text)
    told = _loaded(text if split is None else split["head"])
    left_out = [BODY] if split is not None and split["body"].strip() else []
    if isinstance(told, list):
        return [_reading(item, "", left_out) for item in told]
    return [_reading(told, name, left_out)]


def written(rows: Sequence[FormConfiguration] | FormConfiguration) -> str:
    """The text of a file that says what rows are, one or a list, so that it reads as they are."""
    told = _told(rows) if isinstance(rows, FormConfiguration) else [_told(row) for row in rows]
    # Lines that are never broken are read as they were written.
    return yaml.dump(told, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**31)


def _told(row: FormConfiguration) -> dict[str, Any]:
    columns = {column: _plain(getattr(row, column)) for column in (*_ALWAYS, *COLUMNS)}
    return {column: value for column, value in columns.items() if column in _ALWAYS or value}


def _plain(value: Any) -> Any:
    """The value in types that YAML knows."""
    match value:
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case str():
            return str(value)  # a choice may be one that is a member
        case _:
            return value


def _text(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise Unreadable(f"is larger than {MAX_BYTES // 1024} KiB")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise Unreadable("is not UTF-8") from error


def _loaded(text: str) -> Any:
    """What a text of YAML says. Raises Unreadable."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  # a SafeLoader that takes less
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark is not None else ""
        raise Unreadable(f"{line}{error.problem}") from error
    except yaml.reader.ReaderError as error:
        raise Unreadable(f"is no YAML: {error.reason}") from error
    except (ValueError, OverflowError) as error:  # a number, or a character by its number, that is none to Python
        raise Unreadable("has a number that is too large") from error


class _Loader(yaml.SafeLoader):
    """YAML that says what JSON can: no anchors, no tags, no key twice; dates and times are texts."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _refusal("anchors and aliases are not taken", event)
        if getattr(event, "tag", None) is not None:
            raise _refusal("tags are not taken", event)
        if self.depth > MAX_DEPTH + 2:  # of a payload of that depth in a configuration of a list
            raise _refusal(f"values are nested deeper than {MAX_DEPTH} levels", event)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        known = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                raise _refusal("a key is no text: quote it", key)
            if key.value in known:
                raise _refusal("a key is there twice", key)
            known.add(key.value)
        return super().construct_mapping(node, deep=deep)


_TAG = "tag:yaml.org,2002:"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in known if tag in (f"{_TAG}bool", f"{_TAG}null")]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# Plain decimals alone: 0755 and 12:30 are no numbers that anybody means.
_Loader.add_implicit_resolver(f"{_TAG}int", re.compile(r"[-+]?(0|[1-9][0-9]*)\Z"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    f"{_TAG}float", re.compile(r"[-+]?[0-9]+\.[0-9]*([eE][-+][0-9]+)?\Z"), list("-+0123456789")
)


class _Dumper(yaml.SafeDumper):
    """Says what is there twice twice, and puts what can't be seen in escapes: plain line ends would be folded."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar(f"{_TAG}str", data, style=None if data.isprintable() else '"')


_Dumper.add_representer(str, _Dumper.represent_str)


def _refusal(words: str, where: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=words, problem_mark=where.start_mark)


class _Wrong(Exception):
    """The value can't be one of its key; says why."""


def _reading(told: Any, name: str, left_out: list[str]) -> Reading:
    if not isinstance(told, dict):
        raise Unreadable("must have keys and values, as name: sign_up")
    values: dict[str, Any] = {"name": normalised(name), "resource": ""}
    faults: list[Fault] = []
    given = set()
    for key, value in told.items():
        column = FORMER.get(key, key)
        if column not in COLUMNS:
            faults += _of_no_column(key, value)
        elif not _is_empty(value):
            if column in given:
                faults.append(_bad(column, key, f"means {column}, which is there already"))
            given.add(column)
            faults += _take(values, column, key, value)
    if "resource" not in given:
        faults.append(Fault("resource", "missing"))
    return Reading(Draft(**values), tuple(faults[:MAX_FAULTS]), (*left_out, *(key for key in LEFT_OUT if key in told)))


def _of_no_column(key: str, value: Any) -> list[Fault]:
    if key in LEFT_OUT:
        return templates_in(key, value)
    if key not in UNSUPPORTED:
        return [_bad(key, key, f"is not known: use {', '.join(COLUMNS)}")]
    return [] if _is_empty(value) or value is False else [_bad(key, key, "is not supported")]


def _take(values: dict[str, Any], column: str, key: str, value: Any) -> list[Fault]:
    """Put what a key says into the values; the faults, if it can't be."""
    templates = [] if column == "fields" else templates_in(column, value)  # its rules know what is a pattern
    if templates:
        return templates
    try:
        values[column] = _READERS[column](value)
    except _Wrong as wrong:
        return [_bad(column, key, str(wrong))]
    return []


def _is_empty(value: Any) -> bool:
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


def _bad(field: str, path: str, reason: str) -> Fault:
    return Fault(field, "bad_rule", {"path": path, "reason": reason})


def _a_text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Wrong("must be a text")
    return value


def _a_name(value: Any) -> str:
    return normalised(_a_text(value))


def _a_resource(value: Any) -> str:
    return _a_text(value).removesuffix("Form")  # base_form is UserForm


def _an_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong("must have keys and values")
    return value


def _a_payload(value: Any) -> dict[str, Any]:
    if not isinstance(value, str):
        return _an_object(value)
    try:
        return loads(value.encode(errors="surrogatepass"))
    except BadBody as error:
        raise _Wrong("must be a JSON object, or have keys and values") from error


def _names(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise _Wrong("must be a list of names")
    return value


def _a_flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Wrong("must be true or false")
    return value


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "name": _a_name,
    "resource": _a_resource,
    "fields": _an_object,
    "resource_owner": _a_text,
    "default_payload": _a_payload,
    "authorization_policies": _names,
    "request_allowed": _a_flag,
    "email_notifications": _names,
}
