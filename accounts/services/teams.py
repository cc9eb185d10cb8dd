"""Every write to teams, and who is in them one by one; `users.update` puts a user into several at once."""

from collections.abc import Collection, Sequence

from django.db import transaction
from django.utils import timezone

from accounts import policies
from accounts.models import Membership, Team, User
from accounts.services.users import NO_SUCH_CLIENT
from clients.models import Client
from clients.services import clients
from usermgmt import audit
from usermgmt.actor import Actor
from usermgmt.columns import fold
from usermgmt.errors import Fault, Forbidden, Invalid, NotFound, all_faults, check_version, raise_all
from usermgmt.integrity import refusals

_FIELDS = {"team_name_unique": "name", "team_name_not_blank": "name"}
_NO_SUCH_TEAM = Fault("team", "must_exist")
_NOT_OF_CLIENT = Fault("user", "not_of_client")


def create(
    *,
    actor: Actor | None,
    client_id: int | None,
    name: str,
    join_by_default: bool = False,
    reported: Sequence[Fault] = (),
) -> Team:
    """Make a team of a client, which it stays a team of.

    client_id: None is a fault. join_by_default: whether every new user of the client joins.
    reported: faults that the contract found while reading; raised together with the rules' own.
    Raises Forbidden, Invalid.
    """
    _check_actor(actor)
    if actor is not None and client_id is not None and not policies.can_administer_teams(actor, client_id):
        raise Forbidden
    client = Client.objects.filter(pk=client_id).first() if client_id is not None else None
    if client is None:
        raise Invalid(all_faults(reported, [NO_SUCH_CLIENT, *clients.name_form(name.strip())]))
    raise_all(reported, _faults_of_name(name, client.pk))
    with refusals(Team, _FIELDS, foreign_key=NO_SUCH_CLIENT), transaction.atomic():
        team = Team.objects.create(client=client, name=name.strip(), join_by_default=join_by_default)
        facts = {"name": team.name, "client_id": client_id, "join_by_default": join_by_default}
        audit.record(
            actor=actor,
            action="team.created",
            target=("team", team.pk),
            changes={field: (None, value) for field, value in facts.items()},
        )
    return team


def update(
    *,
    actor: Actor | None,
    team_id: int,
    name: str | None = None,
    join_by_default: bool | None = None,
    versions: Collection[int] | None = None,
    reported: Sequence[Fault] = (),
) -> Team:
    """Rename a team, or say whether new users join it; None leaves either as it is.

    versions: the versions that the caller knows; any other is Stale. Raises Forbidden, Invalid, NotFound, Stale.
    """
    _check_actor(actor)
    with refusals(Team, _FIELDS), transaction.atomic():
        team = _locked(actor, team_id)
        check_version(team.version, versions)
        raise_all(reported, [] if name is None else _faults_of_name(name, team.client_id, team_id))
        given = {"name": None if name is None else name.strip(), "join_by_default": join_by_default}
        changes = {
            field: (getattr(team, field), value)
            for field, value in given.items()
            if value is not None and value != getattr(team, field)
        }
        if not changes:
            return team
        for field, (_, value) in changes.items():
            setattr(team, field, value)
        team.version += 1
        team.updated_at = timezone.now()
        team.save(update_fields=[*changes, "version", "updated_at"])
        audit.record(actor=actor, action="team.updated", target=("team", team.pk), changes=changes)
    return team


def delete(*, actor: Actor | None, team_id: int, versions: Collection[int] | None = None) -> None:
    """Delete a team; its members stay users. Raises Forbidden, NotFound, Stale."""
    _check_actor(actor)
    with transaction.atomic():
        team = _locked(actor, team_id)
        check_version(team.version, versions)
        facts = {"name": team.name, "client_id": team.client_id}
        team.delete()
        audit.record(
            actor=actor,
            action="team.deleted",
            target=("team", team_id),
            changes={field: (value, None) for field, value in facts.items()},
        )


def add_member(*, actor: Actor | None, team_id: int, user_id: int) -> bool:
    """Put a user into a team; gives whether that was news.

    Raises Forbidden, Invalid (a user of another client, or an administrator), NotFound.
    """
    _check_actor(actor)
    with refusals(Membership, {}, foreign_key=_NO_SUCH_TEAM), transaction.atomic():
        team, user = _of_both(actor, team_id, user_id)
        if user.client_id != team.client_id:
            raise Invalid([_NOT_OF_CLIENT])
        # The user's row is locked: nobody else puts the same user anywhere meanwhile.
        _, made = Membership.objects.get_or_create(team=team, user=user)
        if made:
            audit.record(
                actor=actor, action="team.joined", target=("user", user.pk), changes={"team": (None, team.name)}
            )
    return made


def remove_member(*, actor: Actor | None, team_id: int, user_id: int) -> bool:
    """Take a user out of a team; gives whether that was news. Raises Forbidden, NotFound."""
    _check_actor(actor)
    with transaction.atomic():
        team, user = _of_both(actor, team_id, user_id)
        gone, _ = Membership.objects.filter(team=team, user=user).delete()
        if gone:
            audit.record(actor=actor, action="team.left", target=("user", user.pk), changes={"team": (team.name, None)})
    return bool(gone)


def _check_actor(actor: Actor | None) -> None:
    """Raise Forbidden for whoever administers nobody's teams."""
    if actor is not None and not policies.can_administer(actor):
        raise Forbidden


def _locked(actor: Actor | None, team_id: int) -> Team:
    team = Team.objects.in_scope_of(actor).select_for_update().filter(pk=team_id).first()
    if team is None:
        raise NotFound("team")
    return team


def _of_both(actor: Actor | None, team_id: int, user_id: int) -> tuple[Team, User]:
    """The team, and the user, whose row is locked until the end of the transaction. The team's is not: its client
    never changes, and many may join at once."""
    team = Team.objects.in_scope_of(actor).filter(pk=team_id).first()
    if team is None:
        raise NotFound("team")
    user = User.objects.in_scope_of(actor).select_for_update().filter(pk=user_id).first()
    if user is None:
        raise NotFound("user")
    return team, user


def _faults_of_name(name: str, client_id: int, team_id: int | None = None) -> list[Fault]:
    faults = clients.name_form(name.strip())
    same = (
        Team.objects.filter(client_id=client_id, name_folded=fold(name.strip())) if not faults else Team.objects.none()
    )
    return [Fault("name", "taken")] if same.exclude(pk__in=[team_id]).exists() else faults
