"""`query`: which users are listed, in a small part of MongoDB's language (contract 0 and 4).

`$or`, `$and`; of a field a value, `$ne`, `$regex` with `$options` of "i". A pattern is text, each sign of a regular
expression in it escaped, anchored by `^` and `$` or not: nothing to look back for, so nothing to wait for. All is
compared with regard to case, whatever the database's own habit is.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Right, StrIndex
from django.db.models.lookups import Exact, GreaterThan

from accounts import roles, trigrams
from accounts.models import User
from accounts.models.user import SORTED_LENGTH
from usermgmt.columns import fold
from usermgmt.dialects.rocketchat import parameters
from usermgmt.dialects.rocketchat.mapping import STATUS

MAX_CONDITIONS = 100  # of one query, all levels together; the JSON gate bounds the levels
MAX_TEXT = 255  # characters of a value; no column holds more

EVERYBODY = Q(pk__isnull=False)
NOBODY = Q(pk__in=())


class _Unreadable(Exception):
    """It is no query of ours."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a `$regex` says: a text, and where it is to stand. folded: without regard to case."""

    text: str
    from_start: bool
    to_end: bool
    folded: bool

    def matches(self, value: str) -> bool:
        """Whether a value that is known here matches."""
        text, value = (fold(self.text), fold(value)) if self.folded else (self.text, value)
        if self.from_start and self.to_end:
            return value == text
        if self.from_start or self.to_end:
            return value.startswith(text) if self.from_start else value.endswith(text)
        return text in value


Condition = Callable[[Any], Q]


def condition(text: str, *, full: bool) -> Q:
    """What `query` asks for. Raises Refused.

    full: whether the caller sees all of every user; whoever does not can't look for what is not shown either.
    """
    if not text:
        return Q()
    try:
        return _Reader(FULL_FIELDS if full else FIELDS).read(parameters.read("query", text))
    except _Unreadable as error:
        raise parameters.invalid("query", text) from error


class _Reader:
    """Reads one query; counts what it has read."""

    def __init__(self, fields: "Mapping[str, Field]") -> None:
        self._fields = fields
        self._read = 0

    def read(self, query: Any) -> Q:
        if not isinstance(query, dict):
            raise _Unreadable
        together = EVERYBODY
        for key, value in query.items():
            together &= self._read_pair(key, value)
        return together

    def _read_pair(self, key: str, value: Any) -> Q:
        self._read += 1
        if self._read > MAX_CONDITIONS:
            raise _Unreadable
        if key in ("$or", "$and"):
            return self._read_list(key, value)
        if key not in self._fields:
            raise _Unreadable
        return self._fields[key].asked(value)

    def _read_list(self, key: str, queries: Any) -> Q:
        if not isinstance(queries, list) or not queries:
            raise _Unreadable
        first, *others = (self.read(query) for query in queries)
        for other in others:
            first = first | other if key == "$or" else first & other
        return first


@dataclass(frozen=True, slots=True)
class Field:
    """A key of a user that may be asked for.

    equal: the users who have a value. like: those who match a pattern; None where there are no patterns.
    """

    type: type
    equal: Callable[[Any], Q]
    like: Callable[[Pattern], Q] | None = None

    def asked(self, value: Any) -> Q:
        """What is asked of it: a value, or an object of operators."""
        if not isinstance(value, dict):
            return self.equal(self._sound(value))
        if not value or not value.keys() <= {"$ne", "$regex", "$options"}:
            raise _Unreadable
        asked = EVERYBODY
        if "$ne" in value:
            asked &= ~self.equal(self._sound(value["$ne"]))
        if "$regex" in value or "$options" in value:
            asked &= self._matching(value.get("$regex"), value.get("$options", ""))
        return asked

    def _matching(self, pattern: Any, options: Any) -> Q:
        if self.like is None or options not in ("", "i"):
            raise _Unreadable
        return self.like(_pattern(pattern, folded=options == "i"))

    def _sound(self, value: Any) -> Any:
        if not isinstance(value, self.type) or (isinstance(value, str) and len(value) > MAX_TEXT):
            raise _Unreadable
        return value


_PLAIN = r"[^\\^$.*+?()\[\]{}|]"
_PATTERN = re.compile(rf"(?P<start>\^?)(?P<text>(?:{_PLAIN}|\\[^0-9A-Za-z_])*)(?P<end>\$?)\Z", re.DOTALL)


def _pattern(said: Any, *, folded: bool) -> Pattern:
    """The pattern that was said; an escaped letter or digit is no letter, but a class or a group (ECMA 262 22.2.1)."""
    found = _PATTERN.match(said) if isinstance(said, str) and len(said) <= 2 * MAX_TEXT else None
    if found is None:
        raise _Unreadable
    text = re.sub(r"\\(.)", r"\1", found["text"], flags=re.DOTALL)
    return Pattern(text, from_start=bool(found["start"]), to_end=bool(found["end"]), folded=folded)


def _text(column: str, folded_column: str) -> Field:
    """A field of text in a column, and without regard to case in another one."""

    def equal(value: str) -> Q:
        # The folded column has the index.
        return Q(**{folded_column: fold(value)[:SORTED_LENGTH], column: value})

    def like(pattern: Pattern) -> Q:
        name, text = (folded_column, fold(pattern.text)) if pattern.folded else (column, pattern.text)
        if pattern.from_start and pattern.to_end:
            return Q(**{name: text}) if pattern.folded else equal(text)
        if not text:
            return EVERYBODY
        wanted = Value(text, output_field=CharField())
        if pattern.to_end:
            found = Q(Exact(Right(name, len(text)), wanted))
        else:
            # Not by LIKE, by which SQLite knows no case.
            place = StrIndex(name, wanted)
            found = Q(Exact(place, 1)) if pattern.from_start else Q(GreaterThan(place, 0))
        return _searched(text) & found

    return Field(str, equal, like)


def _searched(text: str) -> Q:
    """What an index finds (accounts.trigrams) of whoever has `text` in a name, an e-mail or a user name: more, if any.

    Folded the text may be another one where letters and marks meet, so only plain letters are looked for; and not the
    last of them, which a mark may follow.
    """
    plain = max(re.findall(r"[\x20-\x7e]+", text), key=len, default="")[:-1]
    return Q(trigrams.Having(None, fold(plain))) if len(plain) >= trigrams.LETTERS else EVERYBODY


def _known(value: str) -> Field:
    """A field that has one value, the same for everybody."""

    def those(true: bool) -> Q:
        return EVERYBODY if true else NOBODY

    return Field(str, lambda asked: those(asked == value), lambda pattern: those(pattern.matches(value)))


def _with_roles(names: Iterable[str]) -> Q:
    """The users who have one of these roles, as `accounts.roles.of` has it."""
    wanted = set(names)
    through: Any = User.groups.through._default_manager
    groups = wanted - {roles.ADMINISTRATOR}  # which is no group
    found = Q(pk__in=through.filter(group__name__in=sorted(groups)).values("user")) if groups else NOBODY
    if roles.ADMINISTRATOR in wanted:
        found |= Q(client=None)  # which is what makes one, and has an index
    if roles.DEFAULT in wanted:
        found |= Q(~Exists(through.filter(user=OuterRef("pk"))), is_superuser=False)
    return found


def _roles_like(pattern: Pattern) -> Q:
    known = [roles.ADMINISTRATOR, *Group.objects.order_by("name").values_list("name", flat=True)]
    return _with_roles(name for name in known if pattern.matches(name))


FIELDS = {
    "username": _text("username", "username_canonical"),
    "name": _text("name", "name_sorted"),
    "active": Field(bool, lambda value: Q(is_active=value)),
    "status": _known(STATUS),
}
FULL_FIELDS = FIELDS | {
    "emails.address": _text("email", "email_canonical"),
    "roles": Field(str, lambda name: _with_roles([name]), _roles_like),
}
