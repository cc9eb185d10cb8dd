"""Users out of a file, some rows at a time: made as `bulk` makes them, and what becomes of those who are there."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.db import DataError, OperationalError, connection, transaction

from accounts import hashers, passwords
from accounts.models import Event, User
from accounts.services import bulk, users
from accounts.services.bulk import Draft, Item, Outcome, Ready
from accounts.services.turns import Stage, Turn
from clients.models import NAME_MAX_LENGTH, Client
from clients.services import clients
from usermgmt import audit
from usermgmt.columns import fold
from usermgmt.errors import BASE, Fault, Invalid, NotFound, TooManyRequests
from usermgmt.integrity import is_deadlock
from usermgmt.origin import Origin, coming_from

FIELDS: Mapping[str, type] = {
    "name": str,
    "given_name": str,
    "middle_name": str,
    "family_name": str,
    "email": str,
    "username": str,
    "client": str,
    "client_id": int,
    "active": bool,
    "email_verified": bool,
    "must_change_password": bool,
    "external_id": str,
    "featured": bool,
    "public_profile": bool,
    "nickname": str,
    "bio": str,
    "status_text": str,
    "custom_fields": dict,
    "properties": dict,
    "roles": list,
    "password": str,
    "password_hash": str,
    "password_scheme": str,
}
"""What a row may say, and of which type; of a list, each is text."""

MAX_ROLES = 100  # of a row
LOOKED_UP = 8  # batches of a process, once somebody was in the way

_OF_A_DRAFT = {name: None for name in FIELDS if name not in ("client", "client_id", "password_hash", "password_scheme")}
_UPDATED = tuple(name for name in _OF_A_DRAFT if name != "password")
_AT_ONCE = Turn()
_GROWING = (User, Event, Client)
_ATTEMPTS = 3  # at changing a user, while others do


class OnConflict(StrEnum):
    """What becomes of a row whose user is there already."""

    SKIP = "skip"
    UPDATE = "update"
    FAIL = "fail"


class Became(StrEnum):
    """What became of a row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Row:
    """What a row says, of the types of `FIELDS`. faults: what could not be read; one of `BASE`: there is no row."""

    line: int
    said: Mapping[str, Any] = field(default_factory=dict, repr=False)
    faults: Sequence[Fault] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a row, and why."""

    became: Became
    faults: Sequence[Fault] = ()


_CREATED = Told(Became.CREATED)  # of most rows


@dataclass(slots=True)
class Sight:
    """Whether rows are written without a look for who is there already, as nobody is of most rows. Where somebody is,
    the batch was written in vain; then this one and some that follow are looked up first, as many as `first`."""

    first: int = 0

    def is_clear(self) -> bool:
        """Whether the next batch may be written so."""
        self.first = max(self.first - 1, 0)
        return not self.first

    def was_not(self) -> None:
        """Somebody was in the way."""
        self.first = LOOKED_UP


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One import.

    number: stands in the audit trail in place of a request's. client_id: of rows that name none. administrators:
    whether those are administrators. create_clients: whether a client is made that is named and not there.
    scheme: of bare bcrypt hashes, see `accounts.hashers.recognised`. made, changed: how many users it is known to have
    made, and to have changed, before it was stopped. sight: of the process at hand.
    """

    number: str
    on_conflict: OnConflict = OnConflict.FAIL
    client_id: int | None = None
    administrators: bool = False
    create_clients: bool = False
    scheme: str = "rails"
    dry: bool = False
    made: int = 0
    changed: int = 0
    sight: Sight = field(default_factory=Sight)


def take(run: Run, rows: Sequence[Row], *, again: bool = False, turn: Turn = _AT_ONCE) -> list[Told]:
    """Make, or change, the users of some rows, a few thousand at most; tells what became of each, in their order.

    Those that are made are made in one transaction, each change has its own. again: the rows may have been taken
    before by the same run, which was stopped then: whom it made is not in the way, and whom it changed is changed.
    In a dry run nothing is written.
    turn: where several processes take rows of one file. It has them wait before anything that depends on the rows
    before, or that should come after these in the trail.
    """
    with coming_from(Origin(contract="command", request_id=run.number)):
        drafts = [_draft(run, row) for row in rows]
        items = bulk.judged(drafts)
        in_clear = any(draft.password is not None for draft in drafts)
        unseen = not (run.dry or in_clear) and run.sight.is_clear()
        placed = _place(run, rows, drafts)
        ready = bulk.prepared(items, actor=None, placed=placed) if unseen else None
        turn.wait(Stage.USERS)
        if not placed:
            _place(run, rows, drafts, make=True)
        before = set(_done_before(run, "user.created", run.made)) if again else set()
        changed = _done_before(run, "user.updated", run.changed) if again else []
        told = [_told(outcome, dry=run.dry) for outcome in _made(run, items, turn, ready)]
        if before:
            _recognise(before, drafts, told)
        for place, one in enumerate(told):
            if _is_there(one, rows[place], run.on_conflict):
                told[place] = _settled(run, rows[place], drafts[place], one, changed)
    return told


def learn() -> None:
    """Have PostgreSQL look at how far the tables have grown: with the plans of small ones the look-ups of each batch
    would soon take as long as all before it. What stands in their other columns it finds out in its own time. A table
    that somebody holds is left out: who makes an index there waits for the batch under way, and that one for us."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE (SKIP_LOCKED) {', '.join(f'{model._meta.db_table} (id)' for model in _GROWING)}")


def note(run: Run, *, source: str, counts: Mapping[str, int]) -> None:
    """Keep that the operator brought users in. source: the name of the file."""
    with coming_from(Origin(contract="command", request_id=run.number)):
        audit.record(
            actor=None,
            action="user.imported",
            target=("user", None),
            changes={"file": (None, source), **{name: (None, count) for name, count in counts.items()}},
        )


def _place(run: Run, rows: Sequence[Row], drafts: Sequence[Draft], *, make: bool = False) -> bool:
    """Put each draft into the client of its row; whether all are there that are named, or may be. make: those that
    are not there, where the run may."""
    said = dict.fromkeys(map(_client_name, rows))
    named = {fold(name): name for name in reversed(said) if name}  # as the first row has it
    places = dict(Client.objects.filter(name_folded__in=named).values_list("name_folded", "pk")) if named else {}
    if run.create_clients and not run.dry and places.keys() != named.keys():
        missing = [name for folded, name in named.items() if folded not in places and not clients.name_form(name)]
        if missing and not make:
            return False
        if missing:
            places |= _made_clients(missing[::-1])
    for row, draft in zip(rows, drafts, strict=True):
        if draft.reported and any(fault.field == BASE for fault in draft.reported):
            continue
        draft.client_id, faults = _client(run, row.said, places)
        if faults:
            draft.reported = [*row.faults, *faults, *draft.reported[len(row.faults) :]]
    return True


def _client_name(row: Row) -> str:
    """The name of the client, unless it is longer than any: folding it would take minutes."""
    name: str = row.said.get("client", "")
    return name.strip() if len(name) <= NAME_MAX_LENGTH else ""


def _made_clients(names: Sequence[str]) -> Mapping[str, int]:
    """Make clients; gives the numbers of all of them by their folded names."""
    try:
        return {client.name_folded: client.pk for client in clients.create_all(actor=None, names=names)}
    except Invalid:  # somebody else was quicker with one of them
        for name in names:
            with suppress(Invalid):
                clients.create(actor=None, name=name)
    return dict(Client.objects.filter(name_folded__in=list(map(fold, names))).values_list("name_folded", "pk"))


def _draft(run: Run, row: Row) -> Draft:
    """What the row says, save for the client: who else is there does not matter to it."""
    said = row.said
    if row.faults and any(fault.field == BASE for fault in row.faults):
        return Draft(reported=row.faults)
    values = {name: value for name, value in said.items() if name in _OF_A_DRAFT}
    faults = list(row.faults)
    if "password" in said and "must_change_password" not in said:
        values["must_change_password"] = passwords.must_change(staff=True)
    if len(values.get("roles", ())) > MAX_ROLES:
        del values["roles"]
        faults.append(Fault("roles", "too_many", {"maximum": MAX_ROLES}))
    if "password_hash" in said:
        stored, more = _stored(said, run.scheme)
        values["password_hash"] = stored
        faults += more
    return Draft(**values, reported=faults)


def _client(run: Run, said: Mapping[str, Any], places: Mapping[str, int]) -> tuple[int | None, list[Fault]]:
    """The number of the client of a row."""
    if "client" in said and "client_id" in said:
        return None, [Fault("client", "not_both", {"attribute": "client_id"})]
    if "client_id" in said:
        return said["client_id"], []
    if "client" in said:
        name = said["client"].strip()
        found = places.get(fold(name)) if len(name) <= NAME_MAX_LENGTH else None
        if found is None and run.dry and run.create_clients and not clients.name_form(name):
            return None, []
        return found, [] if found is not None else [users.NO_SUCH_CLIENT]
    if run.client_id is None and not run.administrators:
        return None, [Fault("client", "missing")]
    return run.client_id, []


def _stored(said: Mapping[str, Any], scheme: str) -> tuple[str | None, list[Fault]]:
    """What is stored of a hash from elsewhere."""
    given: str = said["password_hash"]
    if "password" in said:
        return None, [Fault("password_hash", "not_both", {"attribute": "password"})]
    scheme = said.get("password_scheme", scheme)
    if scheme not in hashers.IMPORTED:
        return None, [Fault("password_scheme", "unknown_choice", {"choices": ", ".join(hashers.IMPORTED)})]
    if not given or given.startswith("!"):  # Django's form of no password
        return None, []
    try:
        return hashers.recognised(given, scheme), []
    except ValueError as error:
        return None, [Fault("password_hash", "said", {"words": f"can't be taken: {error}"})]


def _made(run: Run, items: Sequence[Item], turn: Turn, ready: Ready | None) -> list[Outcome]:
    """Make those that can be."""
    if ready is not None:
        changes = run.on_conflict == OnConflict.UPDATE
        made = bulk.make_unseen(actor=None, items=items, turn=turn, ready=ready, whole=changes)
        if made is not None:
            return made
        run.sight.was_not()
    turn.wait(Stage.IN)
    return _made_by_halves(items, dry=run.dry)


def _made_by_halves(items: Sequence[Item], *, dry: bool) -> list[Outcome]:
    """The same, with a look at who is there. Where the database refuses, for whatever reason, those that it takes are
    made."""
    try:
        return bulk.try_out(items) if dry else bulk.make(actor=None, items=items)
    except (TooManyRequests, DataError):
        if len(items) == 1:
            return [Outcome(faults=[Fault(BASE, "invalid")])]
    half = len(items) // 2
    return [*_made_by_halves(items[:half], dry=dry), *_made_by_halves(items[half:], dry=dry)]


def _told(outcome: Outcome, *, dry: bool) -> Told:
    made = outcome.user is not None or (dry and not outcome.faults)
    return _CREATED if made else Told(Became.REFUSED, outcome.faults)


def _done_before(run: Run, action: str, known: int) -> list[int]:
    """To whom the run did that before it was stopped, and did not know to have: they come last in the trail."""
    events = Event.objects.filter(request_id=run.number, action=action, target_kind="user").order_by("pk")
    return [pk for pk in events.values_list("target_id", flat=True)[known:] if pk is not None]


def _recognise(made: set[int], drafts: Sequence[Draft], told: list[Told]) -> None:
    """Tell of those who were made before that they are."""
    waiting = [place for place, one in enumerate(told) if one.faults and all(f.code == "taken" for f in one.faults)]
    for place, found in zip(waiting, bulk.owners([drafts[place] for place in waiting]), strict=True):
        if len(found) == 1 and found[0] in made:
            made.discard(found[0])  # another row of the same user is another matter
            told[place] = Told(Became.CREATED)


def _is_there(told: Told, row: Row, on_conflict: OnConflict) -> bool:
    """Whether the row is of somebody who is there, and is not at fault for that. For a change it need not be whole."""
    if told.became != Became.REFUSED or row.faults:
        return False
    codes = {fault.code for fault in told.faults}
    if on_conflict == OnConflict.UPDATE:
        return "taken" in codes and not any(fault.field in ("client", BASE) for fault in told.faults)
    return on_conflict == OnConflict.SKIP and codes == {"taken"}


def _settled(run: Run, row: Row, draft: Draft, told: Told, before: list[int]) -> Told:
    """What becomes of a row whose user is there. before: who was changed already, before the run was stopped."""
    if run.on_conflict == OnConflict.SKIP:
        return Told(Became.SKIPPED)
    (found,) = bulk.owners([draft])
    present = User.objects.filter(pk__in=found).first() if len(found) == 1 else None
    if present is None:  # it is of several, or somebody has just gone
        return told
    if present.client_id != draft.client_id:
        return Told(Became.REFUSED, [Fault("client", "of_other_client")])
    values = {name: row.said[name] for name in _UPDATED if name in row.said}
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with transaction.atomic():
                changed = users.update(actor=None, user_id=present.pk, **values)
                transaction.set_rollback(run.dry)
        except (Invalid, NotFound) as refusal:
            return Told(Became.REFUSED, refusal.faults if isinstance(refusal, Invalid) else told.faults)
        except OperationalError as error:
            if not is_deadlock(error) or attempt == _ATTEMPTS:
                raise
        else:
            is_changed = changed.version != present.version
            if present.pk in before:
                before.remove(present.pk)  # another row of the same user is another matter
                is_changed = True
            return Told(Became.UPDATED if is_changed else Became.UNCHANGED)
    return told
