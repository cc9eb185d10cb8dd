"""Who is in which team."""

from collections.abc import Collection, Mapping, Sequence

from accounts.models import Membership, Team, User
from usermgmt import audit, copying
from usermgmt.errors import Fault, Invalid


def join_default(users: Sequence[User]) -> None:
    """Put new users into the teams of their clients that everybody joins; a query or two for a thousand users."""
    join(users, joined_by_default({user.client_id for user in users if user.client_id is not None}))


def joined_by_default(clients: Collection[int]) -> Mapping[int, Sequence[int]]:
    """The numbers of the teams that everybody of these clients joins, by client."""
    teams: dict[int, list[int]] = {}
    found = Team.objects.joined_by_default().filter(client_id__in=clients).order_by("pk") if clients else ()
    for team in found:
        teams.setdefault(team.client_id, []).append(team.pk)
    return teams


def join(users: Sequence[User], teams: Mapping[int, Sequence[int]]) -> None:
    """Put new users into the teams of their clients."""
    if teams:
        clients = [(user, user.client_id) for user in users]
        copying.insert(
            [
                Membership(team_id=team_id, user_id=user.pk)
                for user, client in clients
                if client is not None
                for team_id in teams.get(client, ())
            ]
        )


def faults_of(team_ids: Collection[int], client_id: int | None) -> list[Fault]:
    """The faults of the teams that a user of that client is to be in; None: administrators are in none."""
    wanted = set(team_ids)
    there = Team.objects.filter(client_id=client_id) if client_id is not None else Team.objects.none()
    found = there.filter(pk__in=wanted).count() if wanted else 0
    return [] if found == len(wanted) else [Fault("teams", "team_of_other_client")]


def put(user: User, team_ids: Collection[int]) -> audit.Changes:
    """Have a user, whose row is locked, in exactly these teams; gives the change, where there is any.

    Raises Invalid: some are not of the client of the user.
    """
    faults = faults_of(team_ids, user.client_id)
    if faults:
        raise Invalid(faults)
    present = set(Membership.objects.filter(user=user).values_list("team_id", flat=True))
    wanted = set(team_ids)
    if present == wanted:
        return {}
    names = dict(Team.objects.filter(pk__in=present | wanted).order_by("name_folded").values_list("pk", "name"))
    Membership.objects.filter(user=user, team_id__in=present - wanted).delete()
    Membership.objects.bulk_create([Membership(user=user, team_id=pk) for pk in sorted(wanted - present)])
    before, after = ([name for pk, name in names.items() if pk in chosen] for chosen in (present, wanted))
    return {"teams": (before, after)}


def leave_all(user: User) -> audit.Changes:
    """Take a user, whose row is locked, out of every team; gives the change, where there was any."""
    left = list(Membership.objects.filter(user=user).order_by("team__name_folded").values_list("team__name", flat=True))
    if not left:
        return {}
    Membership.objects.filter(user=user).delete()
    return {"teams": (left, [])}
