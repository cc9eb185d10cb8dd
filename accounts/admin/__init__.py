"""Staff's pages of users, their roles, teams, records and API tokens, of custom fields, mails, and the audit trail."""

from accounts.admin.api_tokens import ApiTokenAdmin
from accounts.admin.custom_fields import CustomFieldAdmin
from accounts.admin.events import EventAdmin
from accounts.admin.mails import MailAdmin
from accounts.admin.record_types import RecordTypeAdmin
from accounts.admin.records import ProfileAdmin, RelationshipAdmin, TransactableAdmin
from accounts.admin.roles import RoleAdmin
from accounts.admin.teams import TeamAdmin
from accounts.admin.users import UserAdmin

__all__ = [
    "ApiTokenAdmin",
    "CustomFieldAdmin",
    "EventAdmin",
    "MailAdmin",
    "ProfileAdmin",
    "RecordTypeAdmin",
    "RelationshipAdmin",
    "RoleAdmin",
    "TeamAdmin",
    "TransactableAdmin",
    "UserAdmin",
]
