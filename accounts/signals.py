"""The framework's own events: sign-ins to the admin site's sessions."""

from typing import Any

from django.contrib.auth.models import update_last_login
from django.contrib.auth.signals import user_logged_in

from accounts.models import User
from accounts.services import sign_ins


def connect() -> None:
    """Let the service keep the sign-in instead of Django's own receiver, which audits nothing."""
    user_logged_in.disconnect(update_last_login, dispatch_uid="update_last_login")
    user_logged_in.connect(_signed_in, dispatch_uid="accounts.signals")


def _signed_in(sender: Any, user: User, **details: Any) -> None:
    sign_ins.note_sign_in(user)
