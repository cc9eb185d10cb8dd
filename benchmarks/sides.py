"""The two sides: the directory and its stock peer, what each is asked, and its database."""

import contextlib
import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.load import ADMINISTRATOR_ID, FIRST_ID, PASSWORD, email_of
from benchmarks.serving import HOST, ROOT, Running, Server, running
from benchmarks.wrk import Request

LOGS = ROOT / "var"
_SECRET_KEY = "only for benchmarks on 127.0.0.1: 0123456789abcdef"
# OWASP's, the directory's own defaults; said here because stock has to have the same.
_ARGON2 = {"ARGON2_MEMORY_KIB": "19456", "ARGON2_PASSES": "2", "ARGON2_LANES": "1"}


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of request; {id} and {n} as in wrk.Request. slash: whether the path ends in one on stock.

    caller: who signs in for it, or None.
    """

    method: str
    path: str
    status: int = 200
    caller: int | None = ADMINISTRATOR_ID
    body: Mapping[str, Any] | None = None


OPERATIONS: Mapping[str, Operation] = {
    "current": Operation("GET", "/users/current", caller=FIRST_ID),
    "get": Operation("GET", "/users/{id}"),
    "list": Operation("GET", "/users"),
    "update": Operation("PATCH", "/users/{id}", body={"name": "Renamed {n}"}),
    "create": Operation(
        "POST",
        "/users",
        status=201,
        body={
            "name": "New Person {n}",
            "email": "new{n}@example.com",
            "password": PASSWORD,
            "password_confirmation": PASSWORD,
            "client_id": 1,
        },
    ),
    "sign in": Operation(
        "POST", "/auth/token", caller=None, body={"email": "user{id}@example.com", "password": PASSWORD}
    ),
}


@dataclass(frozen=True, slots=True)
class Side:
    """name: in table and database. application: for a server. collection: the key of a list's rows."""

    name: str
    settings: str
    application: str
    collection: str
    slash: str = ""

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
        }

    @contextlib.contextmanager
    def serving(self, server: Server, database: str, *, workers: int, threads: int) -> Iterator[Running]:
        """Its application, behind `server`, on `database`; the log is in var/."""
        LOGS.mkdir(exist_ok=True)
        with running(
            server,
            self.application,
            environment=self.environment(database),
            log=LOGS / f"benchmark-{self.name}.log",
            workers=workers,
            threads=threads,
        ) as process:
            yield process

    def request(self, operation: Operation, port: int, users: int) -> Request:
        """What wrk sends; signs the caller in, so that its token is fresh."""
        return Request(
            method=operation.method,
            path=operation.path + self.slash,
            status=operation.status,
            body="" if operation.body is None else json.dumps(operation.body),
            token="" if operation.caller is None else self.token(port, operation.caller),
            ids=(FIRST_ID, users),
        )

    def token(self, port: int, user_id: int) -> str:
        """An access token, by the API's own sign-in."""
        body = json.dumps({"email": email_of(user_id), "password": PASSWORD})
        access: str = call(port, "POST", f"/auth/token{self.slash}", body=body)["access"]
        return access


OURS = Side("ours", "usermgmt.settings", "usermgmt.wsgi:application", collection="users")
STOCK = Side("stock", "benchmarks.stock.settings", "benchmarks.stock.wsgi:application", collection="results", slash="/")
SIDES = (OURS, STOCK)


class Unequal(Exception):
    """The two sides do not do the same work."""


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


def compare(name: str, users: int, ports: Mapping[str, int]) -> None:
    """Ask both sides the same once. Raises Unequal unless they show the same users."""
    shown = []
    for side in SIDES:
        port = ports[side.name]
        request = side.request(OPERATIONS[name], port, users)
        path, body = (text.replace("{id}", str(users)).replace("{n}", "0x0") for text in (request.path, request.body))
        answer = call(port, request.method, path, status=request.status, body=body, token=request.token)
        shown.append("access" in answer if name == "sign in" else answer.get(side.collection, answer))
    if shown[0] != shown[1]:
        raise Unequal(f"{name}: ours shows {str(shown[0])[:200]}, stock {str(shown[1])[:200]}")


@contextlib.contextmanager
def database(server: str, side: Side, users: int, *, keep: bool) -> Iterator[str]:
    """A database of `users` rows on `server` (a URL without a path), dropped afterwards unless `keep`; its URL."""
    name = f"um_bench_{side.name}_{users}"
    url = f"{server}/{name}"
    _administer(server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    _administer(server, "CREATE DATABASE {}", name)
    try:
        subprocess.run(
            [sys.executable, "-m", "benchmarks.load", str(users)],
            cwd=ROOT,
            env=os.environ | side.environment(url),
            check=True,
        )
        yield url
    finally:
        if not keep:
            _administer(server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _administer(server: str, statement: str, name: str) -> None:
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))  # type: ignore[arg-type]


def postgresql(server: str) -> str:
    """The version of the database server."""
    with psycopg.connect(f"{server}/postgres") as connection:
        row: Any = connection.execute("SHOW server_version").fetchone()
        return f"PostgreSQL {row[0].split()[0]}"
