from accounts.models.event import Event
from accounts.models.sign_in import SignIn
from accounts.models.user import NAME_MAX_LENGTH, Role, User

__all__ = ["NAME_MAX_LENGTH", "Event", "Role", "SignIn", "User"]
