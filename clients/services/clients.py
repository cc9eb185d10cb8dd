"""Every write to clients."""

from collections.abc import Collection, Sequence

from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from clients import policies
from clients.models import NAME_MAX_LENGTH, Client
from usermgmt import audit, copying
from usermgmt.actor import Actor
from usermgmt.columns import fold
from usermgmt.errors import BASE, Fault, Forbidden, Invalid, NotFound, check_version, raise_all
from usermgmt.integrity import refusals
from usermgmt.text import has_control_characters, is_blank

_FIELDS = {"client_name_unique": "name", "client_name_not_blank": "name"}
_HAS_USERS = Fault(BASE, "has_users")


def name_form(name: str) -> list[Fault]:
    """The faults of a (trimmed) name by itself; teams are named as clients are."""
    if is_blank(name):
        return [Fault("name", "blank")]
    # The folded form is what the unique index holds; some letters fold to eighteen. Folding comes second:
    # of a megabyte it would take minutes.
    if len(name) > NAME_MAX_LENGTH or len(fold(name)) > NAME_MAX_LENGTH:
        return [Fault("name", "too_long", {"maximum": NAME_MAX_LENGTH})]
    if has_control_characters(name):
        return [Fault("name", "invalid")]
    return []


def check(*, name: str, client_id: int | None = None) -> list[Fault]:
    """The faults of a name for the client `client_id`, or for a new one."""
    name = name.strip()
    faults = name_form(name)
    if not faults and Client.objects.named(name).exclude(pk__in=[client_id]).exists():
        return [Fault("name", "taken")]
    return faults


def create(*, actor: Actor | None, name: str, reported: Sequence[Fault] = ()) -> Client:
    """Make a client.

    reported: faults that the contract found while reading; raised together with the rules' own.
    Raises Forbidden (by a token bound to a client), Invalid.
    """
    _check_creation(actor)
    raise_all(reported, check(name=name))
    with refusals(Client, _FIELDS), transaction.atomic():
        client = Client.objects.create(name=name.strip())
        audit.record_all([_creation(actor, client)])
    return client


def create_all(*, actor: Actor | None, names: Sequence[str]) -> list[Client]:
    """Make clients at once, all or none; the rest as `create`."""
    _check_creation(actor)
    raise_all([], [fault for name in names for fault in name_form(name.strip())])
    made = [Client(name=name.strip()) for name in names]
    with refusals(Client, _FIELDS), transaction.atomic():
        copying.insert(made, numbered=True)
        audit.record_all([_creation(actor, client) for client in made])
    return made


def _check_creation(actor: Actor | None) -> None:
    if actor is not None and not policies.can_create(actor):
        raise Forbidden


def _creation(actor: Actor | None, client: Client) -> audit.Entry:
    """The audit trail's entry of a client just made."""
    return audit.Entry(
        actor=actor, action="client.created", target=("client", client.pk), changes={"name": (None, client.name)}
    )


def update(
    *,
    actor: Actor | None,
    client_id: int,
    name: str | None = None,
    versions: Collection[int] | None = None,
    reported: Sequence[Fault] = (),
) -> Client:
    """Rename a client; None leaves the name as it is.

    versions: the versions that the caller knows; any other is Stale. Raises Invalid, NotFound, Stale.
    """
    with refusals(Client, _FIELDS), transaction.atomic():
        client = _locked(client_id, versions, actor)
        raise_all(reported, [] if name is None else check(name=name, client_id=client_id))
        before = client.name
        if name is None or name.strip() == before:
            return client
        client.name = name.strip()
        client.version += 1
        client.updated_at = timezone.now()
        client.save(update_fields=["name", "version", "updated_at"])
        audit.record(
            actor=actor, action="client.updated", target=("client", client.pk), changes={"name": (before, client.name)}
        )
    return client


def delete(*, actor: Actor | None, client_id: int, versions: Collection[int] | None = None) -> None:
    """Delete a client that has no users. Raises Invalid (it has some), NotFound, Stale."""
    with refusals(Client, {}, foreign_key=_HAS_USERS), transaction.atomic():
        client = _locked(client_id, versions, actor)
        # Asked first: Django would load every protected row into its error.
        if client.users.exists():
            raise Invalid([_HAS_USERS])
        try:
            client.delete()
        except ProtectedError as error:
            raise Invalid([_HAS_USERS]) from error
        audit.record(
            actor=actor, action="client.deleted", target=("client", client_id), changes={"name": (client.name, None)}
        )


def _locked(client_id: int, versions: Collection[int] | None, actor: Actor | None) -> Client:
    client: Client | None = Client.objects.select_for_update().filter(pk=client_id).first()
    if client is None or not policies.in_scope(actor, client.pk):
        raise NotFound("client")
    check_version(client.version, versions)
    return client
