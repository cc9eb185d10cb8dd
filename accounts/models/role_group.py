"""Roles as staff see them."""

from django.contrib.auth.models import Group


class RoleGroup(Group):
    """A role: Django's group, under the name that it has here, among the directory's own pages."""

    class Meta:
        proxy = True
        verbose_name = "role"
