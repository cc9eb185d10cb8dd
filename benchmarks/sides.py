"""The sides: the directory and its references, what each is asked, and their databases."""

import contextlib
import hashlib
import http.client
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import psycopg
from psycopg import sql

from benchmarks.load import ADMINISTRATOR_ID, FIRST_ID, PASSWORD, START, email_of, family_name_of
from benchmarks.serving import HOST, REFERENCE_SERVER, ROOT, Running, Server, running
from benchmarks.wrk import Request

LOGS = ROOT / "var"
PER_PAGE = 25
FIRST_SECONDS = 120  # that the first question of its kind may take, on a database that nothing was read from
_SECRET_KEY = "only for benchmarks on 127.0.0.1: 0123456789abcdef"
# OWASP's, the directory's own defaults; said here because the references have to have the same.
_ARGON2 = {"ARGON2_MEMORY_KIB": "19456", "ARGON2_PASSES": "2", "ARGON2_LANES": "1"}
CHEAP_HASH = {"ARGON2_MEMORY_KIB": "64", "ARGON2_PASSES": "1"}  # the same code, a thousandth of the time


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of request; {id}, {family}, {part} and {n} as in wrk.Request; {page}: a page in the middle; {cursor}:
    one that goes on from there.

    caller: who signs in for it, or None. holds: what every right answer holds.
    """

    method: str
    path: str
    status: int = 200
    caller: int | None = ADMINISTRATOR_ID
    body: Mapping[str, Any] | None = None
    holds: str = ""


_NEW = {"name": "New Person {n}", "email": "new{n}@example.com", "password": PASSWORD}
_CREDENTIALS = {"email": "user{id}@example.com", "password": PASSWORD}
_CHANGED = {"name": "Renamed {n} {family}"}  # the family name stays, to be searched for

OPERATIONS: Mapping[str, Operation] = {
    "current": Operation("GET", "/users/current", caller=FIRST_ID),
    "get": Operation("GET", "/users/{id}"),
    "list": Operation("GET", "/users"),
    "page in the middle": Operation("GET", "/users?page={page}"),
    "by cursor": Operation("GET", "/users?cursor={cursor}"),
    "search e-mail": Operation("GET", "/users?email=user{id}@example.com", holds='"total_count":1}'),
    "search name": Operation("GET", "/users?search={part}", holds='"total_count":1}'),
    "sign in": Operation("POST", "/auth/token", caller=None, body=_CREDENTIALS),
    "update": Operation("PATCH", "/users/{id}", body=_CHANGED),
    "create": Operation("POST", "/users", status=201, body=_NEW | {"password_confirmation": PASSWORD, "client_id": 1}),
}
"""What the directory is asked; what writes comes last, so that everything is read from rows as they were loaded."""

_DJOSER: Mapping[str, Operation] = {
    "current": Operation("GET", "/auth/users/me/", caller=FIRST_ID),
    "get": Operation("GET", "/auth/users/{id}/"),
    "list": Operation("GET", "/auth/users/"),
    "page in the middle": Operation("GET", "/auth/users/?page={page}"),
    "sign in": Operation("POST", "/auth/jwt/create/", caller=None, body=_CREDENTIALS),
    "update": Operation("PATCH", "/auth/users/{id}/", body=_CHANGED),
    "create": Operation("POST", "/auth/users/", status=201, body=_NEW),
}
_BARE: Mapping[str, Operation] = {
    "current": Operation("GET", "/users/current", caller=None),
    "get": Operation("GET", "/users/{id}", caller=None),
    "list": Operation("GET", "/users", caller=None),
    "page in the middle": Operation("GET", "/users?page={page}", caller=None),
}


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """name: in the tables. rows: in the name of its database; two sides may share one. application: for a server.
    collection: the key of a list's rows. server: its own; None: the one that is asked for. needs: a module that has to
    be installed for it. settled: variables of its environment that differ."""

    name: str
    rows: str
    settings: str
    application: str
    collection: str
    operations: Mapping[str, Operation]
    server: Server | None = None
    needs: str | None = None
    settled: Mapping[str, str] = field(default_factory=dict)

    @property
    def installed(self) -> bool:
        """Whether all that it needs is there."""
        return self.needs is None or importlib.util.find_spec(self.needs) is not None

    def environment(self, database: str) -> dict[str, str]:
        """What its processes are run with: production's settings, on plain HTTP."""
        return {
            "DJANGO_SETTINGS_MODULE": self.settings,
            "DATABASE_URL": database,
            "SECRET_KEY": _SECRET_KEY,
            "ALLOWED_HOSTS": HOST,
            "HTTPS": "off",
            "DEBUG": "off",
            "DEVELOPMENT": "off",
            "LOG_LEVEL": "INFO",
            **_ARGON2,
            **self.settled,
        }

    @contextlib.contextmanager
    def serving(self, server: Server, database: str, *, workers: int, threads: int, log: str = "") -> Iterator[Running]:
        """Its application, behind `server` or its own, on `database`; `log` tells its log in var/ from others'."""
        LOGS.mkdir(exist_ok=True)
        with running(
            self.server or server,
            self.application,
            environment=self.environment(database),
            log=LOGS / f"benchmark-{self.name}{log}.log",
            workers=workers,
            threads=threads,
        ) as process:
            yield process

    def request(self, operation: Operation, port: int, users: int) -> Request:
        """What wrk sends; signs the caller in, so that its token is fresh."""
        token = "" if operation.caller is None else self.token(port, operation.caller)
        path = operation.path.replace("{page}", str(middle_page(users)))
        if "{cursor}" in path:
            path = path.replace("{cursor}", _cursor(port, users, token))
        return Request(
            method=operation.method,
            path=path,
            status=operation.status,
            body="" if operation.body is None else json.dumps(operation.body),
            token=token,
            ids=(FIRST_ID, users),
            holds=operation.holds,
        )

    def token(self, port: int, user_id: int) -> str:
        """An access token, by the API's own sign-in."""
        credentials = json.dumps({"email": email_of(user_id), "password": PASSWORD})
        access: str = call(port, "POST", self.operations["sign in"].path, body=credentials)["access"]
        return access


OURS = Side("ours", "ours", "usermgmt.settings", "usermgmt.wsgi:application", "users", OPERATIONS)
CHEAP = replace(OURS, name="cheap", rows="cheap", settled=CHEAP_HASH)
"""The directory where a hash costs next to nothing, so that the rest shows; the loaded users' hashes, too."""
DJOSER = Side(
    *("djoser", "peers", "benchmarks.peers.djoser_settings", "benchmarks.peers.wsgi:application", "results", _DJOSER),
    server=REFERENCE_SERVER,
    needs="djoser",
)
BARE = Side(
    *("bare", "peers", "benchmarks.peers.bare_settings", "benchmarks.peers.wsgi:application", "results", _BARE),
    server=REFERENCE_SERVER,
)
PEERS: Mapping[str, Side] = {side.name: side for side in (DJOSER, BARE)}


class Unequal(Exception):
    """The sides do not do the same work."""


def middle_page(users: int) -> int:
    """The page in the middle of the list: 20,000 of a million users."""
    return max(1, users // PER_PAGE // 2)


_cursors: dict[int, str] = {}  # by the number of users; signed with one key, so good for every server


def _cursor(port: int, users: int, token: str) -> str:
    """A cursor that goes on from the middle. A walk up to there would take long; one that sees later users only
    begins there, in seconds, and its cursor says nothing but where it is."""
    if users not in _cursors:
        middle = START + timedelta(seconds=middle_page(users) * PER_PAGE)
        query = urlencode({"cursor": "", "per_page": 1, "created_after": f"{middle:%Y-%m-%dT%H:%M:%SZ}"})
        answer = call(port, "GET", f"/users?{query}", token=token, timeout=FIRST_SECONDS)
        _cursors[users] = answer["meta"]["cursor"]["next"]
    return _cursors[users]


def call(
    port: int, method: str, path: str, *, status: int = 200, body: str = "", token: str = "", timeout: int = 30
) -> Any:
    """One request, given up after `timeout` seconds; gives the JSON of the answer. Raises Unequal for another one."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    headers = {"Content-Type": "application/json"} if body else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status != status:
        raise Unequal(f"{method} {path}: {answer.status} {content[:200]!r} instead of {status}")
    return json.loads(content)


def filled(template: str, user_id: int, number: str) -> str:
    """A path or body as the load generator fills it in, about that user. number: for what is new each time."""
    family = family_name_of(user_id)
    for mark, value in {"id": str(user_id), "n": number, "family": family, "part": family.lower()}.items():
        template = template.replace(f"{{{mark}}}", value)
    return template


def asked(side: Side, name: str, port: int, users: int) -> Any:
    """Ask `side` once for an operation about the last loaded user; gives what it shows of users: the id, name and
    e-mail of each, or whether there is a token. Raises Unequal for a wrong answer."""
    request = side.request(side.operations[name], port, users)
    path, body = (filled(text, users, "0x0") for text in (request.path, request.body))
    answer = call(
        port, request.method, path, status=request.status, body=body, token=request.token, timeout=FIRST_SECONDS
    )
    if request.holds not in json.dumps(answer, separators=(",", ":")):
        raise Unequal(f"{name}: {side.name} shows {str(answer)[:200]}, without {request.holds}")
    if name == "sign in":
        return "access" in answer
    shown = answer.get(side.collection, [answer])
    return [{key: user[key] for key in ("id", "name", "email")} for user in shown]


def compare(name: str, users: int, ports: Mapping[Side, int]) -> None:
    """Ask each side the same once. Raises Unequal unless they show the same users."""
    shown = {side.name: asked(side, name, port, users) for side, port in ports.items()}
    first = next(iter(shown))
    for other, users_shown in shown.items():
        if users_shown != shown[first]:
            raise Unequal(f"{name}: {first} shows {str(shown[first])[:200]}, {other} {str(users_shown)[:200]}")


@contextlib.contextmanager
def database(server: str, side: Side, users: int, *, keep: bool) -> Iterator[str]:
    """A database of `users` rows on `server` (a URL without a path), dropped afterwards; its URL.

    keep: whether the rows are kept as they were loaded, in a template of it, for the next run. A template that is
    there is used either way, unless a migration or the loader has changed since.
    """
    name = f"um_bench_{side.rows}_{users}"
    template = f"{name}_loaded"
    _administer(server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    try:
        if keep and not _is_fresh(server, template):
            _administer(server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", template)
            _load(server, side, users, template)
            _administer(server, f"COMMENT ON DATABASE {{}} IS '{_state()}'", template)
        if _is_fresh(server, template):
            _administer(server, f"CREATE DATABASE {{}} TEMPLATE {template} STRATEGY file_copy", name)
        else:
            _load(server, side, users, name)
        yield f"{server}/{name}"
    finally:
        _administer(server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _load(server: str, side: Side, users: int, name: str) -> None:
    _administer(server, "CREATE DATABASE {}", name)
    subprocess.run(
        [sys.executable, "-m", "benchmarks.load", str(users)],
        cwd=ROOT,
        env=os.environ | side.environment(f"{server}/{name}"),
        check=True,
    )


def _is_fresh(server: str, template: str) -> bool:
    """Whether there is such a template, complete, and made by the migrations and the loader of today."""
    with psycopg.connect(f"{server}/postgres") as connection:
        row = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [template]
        ).fetchone()
        return row is not None and row[0] == _state()


def _state() -> str:
    """What all migrations and the loader come to, in a word."""
    paths = [*sorted(ROOT.glob("[!.]*/**/migrations/*.py")), ROOT / "benchmarks" / "load.py"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths if "var" not in path.parts)).hexdigest()


def _administer(server: str, statement: str, name: str) -> None:
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


def postgresql(server: str) -> str:
    """The version of the database server."""
    with psycopg.connect(f"{server}/postgres") as connection:
        row: Any = connection.execute("SHOW server_version").fetchone()
        return f"PostgreSQL {row[0].split()[0]}"


def installed(names: Sequence[str]) -> list[Side]:
    """The references of these names. Raises Unequal, with what to do, where one is not installed."""
    sides = [PEERS[name] for name in names]
    for side in sides:
        if not side.installed:
            raise Unequal(f"{side.name} is not installed; `make bench` sees to it, or --peers= leaves it out")
    return sides
