"""Who is in which team."""

from collections.abc import Sequence

from accounts.models import Membership, Team, User
from accounts.services import events
from usermgmt import audit


def join_default(users: Sequence[User]) -> None:
    """Put new users into the teams of their clients that everybody joins; a query or two for a thousand users."""
    clients = {user.client_id for user in users if user.client_id is not None}
    if not clients:
        return
    teams: dict[int, list[int]] = {}
    for team_id, client_id in (
        Team.objects.joined_by_default().filter(client_id__in=clients).order_by("pk").values_list("pk", "client_id")
    ):
        teams.setdefault(client_id, []).append(team_id)
    rows = [
        Membership(team_id=team_id, user_id=user.pk)
        for user in users
        if user.client_id is not None
        for team_id in teams.get(user.client_id, ())
    ]
    Membership.objects.bulk_create(rows, batch_size=events.BATCH_SIZE)


def leave_all(user: User) -> audit.Changes:
    """Take a user, whose row is locked, out of every team; gives the change, where there was any."""
    left = list(Membership.objects.filter(user=user).order_by("team__name_folded").values_list("team__name", flat=True))
    if not left:
        return {}
    Membership.objects.filter(user=user).delete()
    return {"teams": (left, [])}
