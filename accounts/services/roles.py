"""Every write to roles (Django groups), and what they allow."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, transaction
from django.db.models import Exists, Q, QuerySet

from accounts import policies, roles
from accounts.grants import Grant
from accounts.models import User
from usermgmt import audit
from usermgmt.actor import Actor
from usermgmt.errors import BASE, Fault, Forbidden, Invalid, NotFound, raise_all
from usermgmt.text import is_identifier

_TAKEN = Fault("name", "taken")
_BUILT_IN = Fault(BASE, "built_in_role")


def grants_of(user: User) -> frozenset[str]:
    """What the roles of a regular user allow, in one query; nobody else needs any."""
    if user.is_superuser:
        return frozenset()
    manager: Any = User.groups.through._default_manager
    given = manager.filter(user_id=user.pk)
    default = Q(Q(group__name=roles.DEFAULT), ~Exists(given))
    return _grants(Q(group__in=given.values("group_id")) | default)


def granted_by(names: Collection[str]) -> frozenset[str]:
    """What roles of these names allow together."""
    return _grants(Q(group__name__in=names))


def exceeding(names: Collection[str], grants: Collection[str]) -> list[str]:
    """Those of the roles that allow more than `grants`, in the order of their names."""
    known = [grant.value for grant in Grant if grant.value not in grants]
    # Not asked by name: nobody says how many names are sent.
    greater = _ours().filter(codename__in=known).values_list("group__name", flat=True)
    return sorted({name for name in greater if name in names})


def faults_of(names: Iterable[str], known: Collection[str] | None = None) -> list[Fault]:
    """The faults of roles that are to be given to a user. known: as in `roles.missing`."""
    return [Fault("roles", "unknown_role", {"role": name}) for name in roles.missing(names, known)]


def give(user: User, names: Collection[str]) -> audit.Changes:
    """Give a user, whose row is locked or new, exactly these roles; gives the change, where there is any.

    Raises Invalid: one has been deleted meanwhile, and without it the user might have the default one instead.
    """
    before, after = roles.given_to(user), sorted(set(names))
    if before == after or (not user.is_superuser and roles.effective(before) == roles.effective(after)):
        return {}
    groups = list(Group.objects.filter(name__in=after))
    raise_all([], faults_of(after) if len(groups) < len(after) else [])
    user.groups.set(groups)
    return {"roles": (before, after)}


def create(*, actor: Actor | None, name: str, grants: Collection[str] = (), reported: Sequence[Fault] = ()) -> Group:
    """Make a role. Raises Forbidden, Invalid."""
    _check_actor(actor)
    try:
        with transaction.atomic():
            _wait_for_turn()
            raise_all(reported, [*_faults_of_name(name, None), *_faults_of_grants(grants)])
            group = Group.objects.create(name=name)
            group.permissions.set(_permissions(grants))
            audit.record(
                actor=actor,
                action="role.created",
                target=("role", group.pk),
                changes={"name": (None, name), "grants": (None, sorted(set(grants)))},
            )
    except IntegrityError as error:
        raise Invalid([_TAKEN]) from error
    return group


def update(
    *,
    actor: Actor | None,
    role_id: int,
    name: str | None = None,
    grants: Collection[str] | None = None,
    reported: Sequence[Fault] = (),
) -> Group:
    """Change what a role is called (those that are built in never), or what it allows; None leaves it as it is.

    Raises Forbidden, Invalid, NotFound.
    """
    _check_actor(actor)
    try:
        with transaction.atomic():
            _wait_for_turn()
            group = _locked(role_id)
            faults = [] if name is None else _faults_of_name(name, group)
            raise_all(reported, [*faults, *_faults_of_grants(grants or ())])
            changes: dict[str, tuple[object, object]] = {}
            if name is not None and name != group.name:
                changes["name"] = (group.name, name)
                group.name = name
                group.save(update_fields=["name"])
            if grants is not None:
                before, after = sorted(granted_by([group.name])), sorted(set(grants))
                if before != after:
                    group.permissions.set(_permissions(grants))
                    changes["grants"] = (before, after)
            if changes:
                audit.record(actor=actor, action="role.updated", target=("role", group.pk), changes=changes)
    except IntegrityError as error:
        raise Invalid([_TAKEN]) from error
    return group


def delete(*, actor: Actor | None, role_id: int) -> None:
    """Delete a role; who had it has it no more. Raises Forbidden, Invalid (it is built in), NotFound."""
    _check_actor(actor)
    with transaction.atomic():
        group = _locked(role_id)
        if group.name in roles.BUILT_IN:
            raise Invalid([_BUILT_IN])
        group.delete()
        audit.record(actor=actor, action="role.deleted", target=("role", role_id), changes={"name": (group.name, None)})


def _check_actor(actor: Actor | None) -> None:
    if actor is not None and not policies.can_administer_roles(actor):
        raise Forbidden


def _wait_for_turn() -> None:
    """Name roles one at a time: the database's own constraint on names regards case. A lock on a role that is always
    there will do, until the end of the transaction."""
    list(Group.objects.select_for_update().filter(name=roles.DEFAULT))


def _locked(role_id: int) -> Group:
    group = Group.objects.select_for_update().filter(pk=role_id).first()
    if group is None:
        raise NotFound("role")
    return group


def _faults_of_name(name: str, group: Group | None) -> list[Fault]:
    if group is not None and name == group.name:
        return []
    if group is not None and group.name in roles.BUILT_IN:
        return [Fault("name", "built_in_role")]
    if not name:
        return [Fault("name", "blank")]
    if len(name) > roles.NAME_MAX_LENGTH:
        return [Fault("name", "too_long", {"maximum": roles.NAME_MAX_LENGTH})]
    if not is_identifier(name):
        return [Fault("name", "invalid")]
    others = Group.objects.exclude(pk=group.pk) if group is not None else Group.objects.all()
    # All of it is ASCII, where both databases agree on case.
    if name.lower() == roles.ADMINISTRATOR or others.filter(name__iexact=name).exists():
        return [_TAKEN]
    return []


def _faults_of_grants(grants: Collection[str]) -> list[Fault]:
    known = [grant.value for grant in Grant]
    return [] if set(grants) <= set(known) else [Fault("grants", "unknown_choice", {"choices": ", ".join(known)})]


def _permissions(grants: Collection[str]) -> list[Permission]:
    return list(_ours().filter(codename__in=[str(grant) for grant in grants]))


def _grants(condition: Q) -> frozenset[str]:
    known = _ours().filter(condition, codename__in=[grant.value for grant in Grant])
    return frozenset(known.values_list("codename", flat=True))


def _ours() -> QuerySet[Permission]:
    return Permission.objects.filter(content_type__app_label="accounts", content_type__model="user").order_by()
