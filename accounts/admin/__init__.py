"""Staff's pages of users and of the audit trail."""

from django.contrib import admin
from django.contrib.auth.models import Group

from accounts.admin.events import EventAdmin
from accounts.admin.users import UserAdmin

# Roles follow from the client; nobody is put into a group by hand.
if admin.site.is_registered(Group):
    admin.site.unregister(Group)

__all__ = ["EventAdmin", "UserAdmin"]
