"""What every test stands on: a development environment, the cast, and callers."""

import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import django
import hypothesis
import pytest

# Before anything reads the settings; pytest-django finds the settings module by this variable, too.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "usermgmt.settings")
os.environ.setdefault("DEVELOPMENT", "on")
os.environ.setdefault("ARGON2_MEMORY_KIB", "64")  # the same code, a thousandth of the time
os.environ.setdefault("ARGON2_PASSES", "1")
os.environ.setdefault("LOG_LEVEL", "ERROR")

# pytest-django looked for settings before this file named them, so with `-n 0` nobody else sets Django up.
django.setup()

hypothesis.settings.register_profile("suite", deadline=None)  # a busy machine is no finding
hypothesis.settings.load_profile("suite")


@pytest.fixture
def cast(db: Any) -> SimpleNamespace:
    """The one cast of every test: administrator and spare (a second one), owner, stranger (of the same
    client), outsider (of another client), disabled."""
    from accounts.tests.factories import AdministratorFactory, UserFactory
    from clients.tests.factories import ClientFactory

    acme, globex = ClientFactory(name="Acme"), ClientFactory(name="Globex")
    return SimpleNamespace(
        acme=acme,
        globex=globex,
        administrator=AdministratorFactory(name="Ada Administrator", email="ada@example.com"),
        spare=AdministratorFactory(name="Sam Spare", email="sam@example.com"),
        owner=UserFactory(name="Olga Owner", email="olga@example.com", client=acme),
        stranger=UserFactory(name="Stan Stranger", email="stan@example.com", client=acme),
        outsider=UserFactory(name="Otto Outsider", email="otto@example.com", client=globex),
        disabled=UserFactory(name="Dora Disabled", email="dora@example.com", client=acme, is_active=False),
    )


@pytest.fixture
def call() -> Callable[..., Any]:
    """`call(user)` is an API client signed in as `user`; `call()` is nobody's."""
    from accounts.tests.callers import caller

    return caller
