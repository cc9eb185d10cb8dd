"""What every test stands on: a development environment, the cast, and callers."""

import gc
import logging
import os
import uuid
from collections.abc import Callable, Generator, Iterator
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
os.environ.setdefault("LOG_LEVEL", "INFO")
os.environ.pop("REDIS_URL", None)  # a developer's own: the suite says for itself where it counts
os.environ.pop("API_RATE", None)
os.environ.setdefault("PGOPTIONS", "-c synchronous_commit=off")  # what tests commit need not outlive the server
os.environ.setdefault("JWT_KEY_DIR", "var/no_jwt_keys")  # the keys of whoever develops here are none of the tests'

# pytest-django looked for settings before this file named them, so with `-n 0` nobody else sets Django up.
django.setup()
# What is there by now stays until the end; to look for cycles in it again and again takes a tenth of the suite's time.
gc.freeze()
gc.set_threshold(50_000, 50, 100)

hypothesis.settings.register_profile("suite", deadline=None)  # a busy machine is no finding
hypothesis.settings.load_profile("suite")


def pytest_collection_finish() -> None:
    gc.freeze()  # as above, of the tests themselves


def pytest_make_parametrize_id(val: object) -> str | None:
    """A test of a megabyte of text is not named by it."""
    return f"{ascii(val[:40])[1:-1]}..." if isinstance(val, str) and len(val) > 80 else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, Any, Any]:
    from usermgmt.tests import leftovers

    ended = yield
    leftovers.clear()
    return ended


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    from usermgmt.tests import leftovers

    leftovers.flush_cheaply()


@pytest.fixture(scope="session")
def canaries() -> Iterator[Any]:
    """The one watch over every answer and every line of log."""
    from django.test.client import ClientHandler

    from usermgmt.tests.canaries import Canaries

    handler, get_response = Canaries(), ClientHandler.get_response

    def watched(self: Any, request: Any) -> Any:
        response = get_response(self, request)
        handler.watch.answered(request, response)
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClientHandler, "get_response", watched)
        logging.getLogger().addHandler(handler)
        yield handler
        logging.getLogger().removeHandler(handler)


@pytest.fixture(autouse=True)
def _no_secret_is_told(canaries: Any) -> Iterator[None]:
    """Each test fails that meets a secret where none belongs."""
    from usermgmt.tests.canaries import Watch

    canaries.watch = Watch()
    yield
    assert canaries.watch.findings == []


@pytest.fixture(scope="session")
def _cast() -> Any:
    from accounts.tests.cast import Cast

    return Cast()


@pytest.fixture
def cast(_cast: Any, db: Any) -> SimpleNamespace:
    """The one cast of every test: administrator and spare (a second one), owner, stranger (of the same
    client), outsider (of another client), disabled. Each may call by a token, too: see `by_token`."""
    return _cast.enters()


@pytest.fixture(scope="session")
def redis_url() -> str:
    """A Redis for tests, TEST_REDIS_URL; without one they are skipped, save where CI is set: there they fail."""
    import redis

    url = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379")
    try:
        redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1).ping()
    except redis.RedisError as error:
        reason = f"no Redis answers at {url}: {error.__class__.__name__}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return url


@pytest.fixture(params=["database", "redis"])
def counting(request: Any, settings: Any, monkeypatch: Any) -> Iterator[str]:
    """Runs a test twice: limits are counted in the database, and in a Redis where nobody else's counters are."""
    settings.REDIS_URL = ""
    if request.param == "database":
        yield "database"
        return
    import redis

    from usermgmt.http import redis_counters

    settings.REDIS_URL = request.getfixturevalue("redis_url")
    prefix = f"usermgmt:test:{uuid.uuid4()}:"
    monkeypatch.setattr(redis_counters, "REDIS_PREFIX", prefix)
    yield "redis"
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter(match=f"{prefix}*"):
            client.delete(key)


@pytest.fixture
def staff() -> Callable[..., Any]:
    """`staff(user)` is a browser signed in to the admin site as `user`."""
    from django.test import Client

    def signed_in(user: Any) -> Client:
        browser = Client()
        browser.force_login(user)
        return browser

    return signed_in


@pytest.fixture
def call() -> Callable[..., Any]:
    """`call(user)` is an API client signed in as `user`; `call()` is nobody's."""
    from accounts.tests.callers import caller

    return caller


@pytest.fixture
def by_token() -> Callable[..., Any]:
    """`by_token(user, client=..., read_only=True)` is an API client that calls by an API token of `user`; without
    `client` it is bound to none."""
    from accounts.tests.callers import api_token_of, bearing

    return lambda user, **columns: bearing(api_token_of(user, **columns)[1])
