"""Where the processor time of a request goes: `usermgmt.wsgi.application` called in this process, without a server.

`python -m benchmarks.inside SECONDS` reads requests as JSON, {operation: Request}, and writes what each took. The
functions that a share begins with are wrapped for as long as it is measured; a share's time is what passes in its
functions, but not in those of another share that they call.
"""

import contextlib
import importlib
import io
import itertools
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any

from benchmarks.sides import filled
from benchmarks.wrk import Request

REST = "handler, middleware, log"
DATABASE = "driver, transactions"
SHARES: Mapping[str, tuple[str, ...]] = {
    "routing": ("usermgmt.http.wsgi:Handler.resolve_request",),
    "DRF dispatch": ("rest_framework.views:APIView.dispatch", "usermgmt.http.viewsets:Calls.dispatch"),
    "authentication": ("usermgmt.http.viewsets:Calls.perform_authentication",),
    "the call: rules, services": (
        "accounts.api.views:UserViewSet.list",
        "accounts.api.views:UserViewSet.create",
        "accounts.api.views:UserViewSet.retrieve",
        "accounts.api.views:UserViewSet.update",
        "accounts.api.views:UserViewSet.current",
        "accounts.api.auth:TokenViewSet.obtain",
    ),
    "hashing": ("accounts.passwords:verified", "accounts.passwords:hashed"),
    "SQL building": (
        "django.db.models.query:QuerySet._chain",
        "django.db.models.query:QuerySet._filter_or_exclude",
        "django.db.models.query:QuerySet.select_related",
        "django.db.models.query:QuerySet.order_by",
        "django.db.models.query:QuerySet.get",
        "django.db.models.query:QuerySet.count",
        "django.db.models.query:QuerySet.exists",
        "django.db.models.query:QuerySet.update",
        "django.db.models.base:Model.save_base",
        "django.db.models.sql.compiler:SQLCompiler.as_sql",
        "django.db.models.sql.compiler:SQLInsertCompiler.as_sql",
        "django.db.models.sql.compiler:SQLUpdateCompiler.as_sql",
        "django.db.models.sql.compiler:SQLDeleteCompiler.as_sql",
    ),
    DATABASE: (
        "usermgmt.statements:_Asked.first",
        "psycopg:Connection.execute",
        "django.db.backends.utils:CursorWrapper.execute",
        "django.db.backends.utils:CursorWrapper.executemany",
        "django.db.backends.base.base:BaseDatabaseWrapper.cursor",
        "django.db.backends.base.base:BaseDatabaseWrapper.set_autocommit",
        "django.db.backends.base.base:BaseDatabaseWrapper.commit",
        "django.db.backends.base.base:BaseDatabaseWrapper.savepoint",
        "django.db.backends.base.base:BaseDatabaseWrapper.savepoint_commit",
        "psycopg:Cursor.fetchone",
        "psycopg:Cursor.fetchmany",
        "psycopg:Cursor.fetchall",
    ),
    "rows to models": (
        "django.db.models.query:QuerySet._fetch_all",
        "usermgmt.statements:Statement.one",
        "usermgmt.statements:Together.both",
    ),
    "answer: mapping, JSON": (
        "accounts.api.including:shown",
        "accounts.api.including:all_shown",
        "django.template.response:SimpleTemplateResponse.render",
    ),
}
"""What is timed, as module:name; a name that is gone ends the run, so that this table stays true."""
WARM_UP_REQUESTS = 20
BLOCK_SECONDS = 0.5
KEPT = 0.8  # of the requests of a block, those in the middle: the rest met a collection of garbage, or a new plan


class Watch:
    """Whose time it is: a stack of shares, and the nanoseconds of each. waited: in the database's share, by the clock
    and not by the processor."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.spent: dict[str, int] = defaultdict(int)
        self.waited = 0
        self._stack = [REST]
        self._processor, self._clock = time.process_time_ns(), time.perf_counter_ns()

    def enter(self, share: str) -> None:
        self.turn()
        self._stack.append(share)

    def leave(self) -> None:
        self.turn()
        self._stack.pop()

    def turn(self) -> None:
        """Book what passed since the last turn."""
        processor, clock = time.process_time_ns(), time.perf_counter_ns()
        share = self._stack[-1]
        self.spent[share] += processor - self._processor
        if share == DATABASE:
            self.waited += (clock - self._clock) - (processor - self._processor)
        self._processor, self._clock = processor, clock

    def wrapped(self, function: Callable[..., Any], share: str) -> Callable[..., Any]:
        """`function`, whose time is the share's."""

        @wraps(function)
        def timed(*args: Any, **options: Any) -> Any:
            self.enter(share)
            try:
                return function(*args, **options)
            finally:
                self.leave()

        return timed

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Wrap all functions of all shares, wherever they are known by name; and put them back."""
        with contextlib.ExitStack() as stack:
            for share, names in SHARES.items():
                for name in names:
                    owner, attribute = _found(name)
                    function = vars(owner)[attribute]
                    wrapped = self.wrapped(function, share)
                    for holder in {id(module): module for module in [owner, *list(sys.modules.values())]}.values():
                        for known in [key for key, value in vars(holder).items() if value is function]:
                            setattr(holder, known, wrapped)
                            stack.callback(setattr, holder, known, function)
            yield


def _found(name: str) -> tuple[Any, str]:
    """Where a function is kept, and under which name. Raises KeyError where it is not there itself."""
    module, _, path = name.partition(":")
    *owners, attribute = path.split(".")
    owner: Any = importlib.import_module(module)
    for part in owners:
        owner = getattr(owner, part)
    if attribute not in vars(owner):
        raise KeyError(f"{name} is no more: see SHARES in benchmarks/inside.py")
    return owner, attribute


def environ_of(request: Request, user_id: int, number: str) -> dict[str, Any]:
    """What a server would hand over (PEP 3333)."""
    path, _, query = filled(request.path, user_id, number).partition("?")
    body = filled(request.body, user_id, number).encode()
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if body:
        environ |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
    if request.token:
        environ["HTTP_AUTHORIZATION"] = f"{request.scheme}{request.token}"
    return environ


def answered(application: Any, request: Request, environ: dict[str, Any]) -> None:
    """Call the application as a server does. Raises RuntimeError for a wrong answer."""
    told: list[str] = []
    answer = application(environ, lambda status, headers, exc_info=None: told.append(status))
    try:
        content = b"".join(answer)
    finally:
        getattr(answer, "close", lambda: None)()
    if not told[0].startswith(str(request.status)) or request.holds.encode() not in content:
        raise RuntimeError(f"{request.method} {request.path}: {told[0]} {content[:200]!r}")


def measured(application: Any, request: Request, seconds: float, prefix: str) -> dict[str, Any]:
    """Nanoseconds a request: `plain`, without timers; `shares`, with them; `waited` for the database. In turns."""
    chance, numbers = random.Random(1), itertools.count()
    watch = Watch()

    def once() -> None:
        environ = environ_of(request, chance.randint(*request.ids), f"{prefix}x{next(numbers)}")
        watch.reset()
        answered(application, request, environ)
        watch.turn()

    for _ in range(WARM_UP_REQUESTS):
        once()
    plain: list[dict[str, int]] = []
    timed: list[dict[str, int]] = []
    for _ in range(max(1, round(seconds / BLOCK_SECONDS / 2))):
        for into, wrapping in ((plain, contextlib.nullcontext()), (timed, watch.installed())):
            with wrapping:
                end = time.perf_counter() + BLOCK_SECONDS
                while time.perf_counter() < end:
                    once()
                    into.append({**watch.spent, "waited": watch.waited})
    shares = averaged(timed)
    return {"plain": averaged(plain)[REST], "waited": shares.pop("waited"), "shares": shares}


def averaged(requests: list[dict[str, int]]) -> dict[str, float]:
    """The mean of each value over the requests in the middle, by what they took in all."""
    ordered = sorted(requests, key=lambda spent: sum(spent.values()) - spent["waited"])
    cut = round(len(ordered) * (1 - KEPT) / 2)
    kept = ordered[cut : len(ordered) - cut]
    names = {name for spent in kept for name in spent}
    return {name: sum(spent.get(name, 0) for spent in kept) / len(kept) for name in names}


def main() -> None:
    """Measure what standard input asks for."""
    requests = {name: Request(**{**told, "ids": tuple(told["ids"])}) for name, told in json.load(sys.stdin).items()}
    from usermgmt.wsgi import application

    found = {
        name: measured(application, request, float(sys.argv[1]), f"inside{number}")
        for number, (name, request) in enumerate(requests.items())
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
