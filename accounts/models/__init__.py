from accounts.models.api_token import ApiToken
from accounts.models.custom_field import CustomField
from accounts.models.event import Event
from accounts.models.mail import Mail
from accounts.models.one_time_token import OneTimeToken, Purpose
from accounts.models.record import Relationship, Transactable, UserProfile
from accounts.models.record_type import RecordType
from accounts.models.role_group import RoleGroup
from accounts.models.sign_in import SignIn
from accounts.models.sign_in_address import SignInAddress
from accounts.models.team import Membership, Team
from accounts.models.user import NAME_MAX_LENGTH, Role, User

__all__ = [
    "NAME_MAX_LENGTH",
    "ApiToken",
    "CustomField",
    "Event",
    "Mail",
    "Membership",
    "OneTimeToken",
    "Purpose",
    "RecordType",
    "Relationship",
    "Role",
    "RoleGroup",
    "SignIn",
    "SignInAddress",
    "Team",
    "Transactable",
    "User",
    "UserProfile",
]
