"""What Schemathesis needs to know of the directory: loaded by it, in its own process (test_schemathesis.py).

CALLER says as whom it calls: "administrator" or "user". DATABASE is the name of the server's database. CONTRACT_TOLD
is the module that knows the contract. It has four functions:

sign(case, user): makes the case one of `user`'s, by a credential of the contract's that is new with every call.
ask(case): gives the query names of users who are there; of sound cases only.
true(path, body): the body with real credentials, and with names that are not taken; of sound bodies only.
is_beyond(failure, case, response): whether the failure is only that values were judged by what no schema can hold.
"""

import gc
import os
import re
from importlib import import_module
from itertools import count

import django
import schemathesis
from django.conf import settings

settings.DATABASES["default"]["NAME"] = os.environ["DATABASE"]
django.setup()

from accounts.models import User  # noqa: E402  # models need Django
from accounts.tests.factories import AdministratorFactory, UserFactory  # noqa: E402
from clients.tests.factories import ClientFactory  # noqa: E402
from usermgmt.http.idempotency import KEY_PATTERN  # noqa: E402

CONTRACT = import_module(os.environ["CONTRACT_TOLD"])
MAKE = {"administrator": AdministratorFactory, "user": UserFactory}[os.environ["CALLER"]]

# As for the suite (conftest.py): what is there by now stays, and to look through it for cycles again and again takes
# a good part of the time.
gc.freeze()
gc.set_threshold(50_000, 50, 100)

# Distinct from those that the test has made in the same database.
UserFactory.reset_sequence(1_000_000)
ClientFactory.reset_sequence(1_000_000)
_numbers = count(1)
_KEY = re.compile(KEY_PATTERN)


@schemathesis.auth(refresh_interval=None)
class Caller:
    """A new credential for every call: the calls sign out, deactivate, demote and delete their own caller, too, who
    is made anew then."""

    def __init__(self):
        self.user = MAKE()

    def get(self, case, context):
        alive = User.objects.filter(pk=self.user.pk, is_active=True, is_superuser=self.user.is_superuser).first()
        self.user = alive or MAKE()
        return self.user

    def set(self, case, user, context):
        CONTRACT.sign(case, user)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Make sound bodies true, and each call one of its own."""
    if _KEY.match(str((case.headers or {}).get("Idempotency-Key", ""))):
        case.headers["Idempotency-Key"] = f"call-{next(_numbers)}"
    if case.meta is not None and case.meta.generation.mode.is_positive:
        CONTRACT.ask(case)
        if isinstance(case.body, dict):
            case.body = CONTRACT.true(case.path, case.body)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Keep a failure, unless no schema could have told."""
    return not CONTRACT.is_beyond(failure, case, response)
