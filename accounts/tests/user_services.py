"""The services of users, called with as little as a test has to say."""

import pytest

from accounts.models import User
from accounts.services import users
from accounts.services.users import changing, ending
from usermgmt import statements
from usermgmt.errors import Fault, Invalid

GOOD = "a password nobody has"
BLANK_NAME, BLANK_EMAIL = Fault("name", "blank"), Fault("email", "blank")
TOO_LONG = {"maximum": 255}


def create(**values):
    return users.create(**{"actor": None, "client_id": None, "name": "Nina", "email": "nina@example.com"} | values)


def update(user, actor=None, **values):
    return users.update(actor=actor, user_id=user.pk, **values)


def faults(service, *args, **values):
    with pytest.raises(Invalid) as refusal:
        service(*args, **values)
    return list(refusal.value.faults)


def stored(user, *columns):
    return User.objects.values_list(*columns).get(pk=user.pk)


def meanwhile(monkeypatch, work):
    """Have `work` done once by somebody else, right before a change or deletion of a user locks the row, or, where it
    does not, right before it writes."""
    ahead = [work]

    def after(original):
        def called(*arguments, **options):
            while ahead:
                ahead.pop()()
            return original(*arguments, **options)

        return called

    monkeypatch.setattr(changing, "locked", after(changing.locked))
    monkeypatch.setattr(ending, "locked", after(ending.locked))
    monkeypatch.setattr(statements, "change", after(statements.change))
