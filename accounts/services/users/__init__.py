"""Every write to users, whichever door it comes through."""

from accounts.services.users.changing import AS_READ, update
from accounts.services.users.creating import create
from accounts.services.users.ending import delete, sign_out
from accounts.services.users.entries import creation
from accounts.services.users.homes import HOME, NO_SUCH_CLIENT, Home
from accounts.services.users.locking import leaving

__all__ = ["AS_READ", "HOME", "NO_SUCH_CLIENT", "Home", "create", "creation", "delete", "leaving", "sign_out", "update"]
