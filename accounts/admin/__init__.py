"""Staff's pages of users, their API tokens, mails, and the audit trail."""

from accounts.admin.api_tokens import ApiTokenAdmin
from accounts.admin.events import EventAdmin
from accounts.admin.mails import MailAdmin
from accounts.admin.users import UserAdmin

__all__ = ["ApiTokenAdmin", "EventAdmin", "MailAdmin", "UserAdmin"]
