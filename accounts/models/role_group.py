"""Roles as staff see them."""

from typing import ClassVar

from django.contrib.auth.models import Group, GroupManager


class RoleGroup(Group):
    """A role: Django's group, under the name that it has here, among the directory's own pages."""

    objects: ClassVar[GroupManager] = GroupManager()

    class Meta:
        proxy = True
        verbose_name = "role"
