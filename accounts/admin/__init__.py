"""Staff's pages of users and of the audit trail."""

from accounts.admin.events import EventAdmin
from accounts.admin.users import UserAdmin

__all__ = ["EventAdmin", "UserAdmin"]
