"""The settings fail closed: what is missing or wrong in the environment stops the start, by name (DESIGN 4)."""

import os
import runpy
import stat
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.conf import settings as present
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from usermgmt import settings as module

KEY = "k" * 50


@pytest.fixture
def read(monkeypatch, tmp_path):
    """`read(NAME=value)` is what the settings make of exactly these variables; `var/` is a fresh folder."""
    source = Path(module.__file__).read_text()
    place = tmp_path / "usermgmt" / "settings.py"
    place.parent.mkdir()
    place.write_text(source)

    def settings(**environment):
        with monkeypatch.context() as patch:
            for name in list(os.environ):
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            return runpy.run_path(str(place))

    return settings


@pytest.fixture
def refusal(read):
    """`refusal(NAME=value)` is why the settings refuse to start with it."""

    def why(**environment):
        with pytest.raises(ImproperlyConfigured) as error:
            read(**{"SECRET_KEY": KEY, **environment})
        return str(error.value)

    return why


# The secret key


def test_production_does_not_start_without_a_secret_key(read, tmp_path):
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY is not set"):
        read()
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY is not set"):
        read(SECRET_KEY="", DEBUG="off", DEVELOPMENT="off")
    assert not (tmp_path / "var" / "secret_key").exists()


@pytest.mark.parametrize("kind", ["DEVELOPMENT", "DEBUG"])
def test_a_development_run_makes_a_key_for_its_owners_eyes_and_keeps_it(read, tmp_path, kind):
    made = read(**{kind: "on"})["SECRET_KEY"]
    kept = tmp_path / "var" / "secret_key"
    assert len(made) >= 48
    assert kept.read_text() == made
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert read(**{kind: "on"})["SECRET_KEY"] == made
    assert [path.name for path in kept.parent.iterdir()] == ["secret_key"]


def test_a_key_that_is_given_is_taken_and_none_is_made(read, tmp_path):
    assert read(SECRET_KEY=KEY, DEVELOPMENT="on")["SECRET_KEY"] == KEY
    assert not (tmp_path / "var" / "secret_key").exists()


def test_the_key_is_in_place_only_when_it_is_whole(read, tmp_path, monkeypatch):
    """Two processes that start at once must not read the half of it."""
    place = tmp_path / "var" / "secret_key"

    def made_meanwhile(size):
        assert not place.exists()
        place.write_text("the other process's")
        return "ours"

    monkeypatch.setattr("secrets.token_urlsafe", made_meanwhile)
    assert read(DEVELOPMENT="on")["SECRET_KEY"] == "the other process's"


# Strict readers

BOOLEANS = ["DEBUG", "DEVELOPMENT", "HTTPS", "ROCKETCHAT_REGISTRATION", "ROCKETCHAT_PASSWORD_POLICY"]
INTEGERS = {
    "PASSWORD_MIN_LENGTH": 1,
    "ARGON2_MEMORY_KIB": 8,
    "ARGON2_PASSES": 1,
    "ARGON2_LANES": 1,
    "JWT_ACCESS_LIFETIME": 1,
    "JWT_REFRESH_LIFETIME": 1,
    "SIGN_IN_FAILURES": 1,
    "SIGN_IN_FAILURES_PER_ADDRESS": 1,
    "ROCKETCHAT_PASSWORD_MIN_LENGTH": 1,
}


@pytest.mark.parametrize("name", BOOLEANS)
@pytest.mark.parametrize("value", ["maybe", "2", "", "onn", "null"])
def test_a_boolean_that_is_none_is_refused_by_name(refusal, name, value):
    assert refusal(**{name: value}).startswith(f"{name}: on or off, please.")


@pytest.mark.parametrize(
    ("value", "meant"), [("on", True), ("true", True), ("1", True), ("off", False), ("no", False), ("0", False)]
)
def test_a_boolean_may_be_said_in_the_usual_ways(read, value, meant):
    assert read(SECRET_KEY=KEY, DEBUG=value)["DEBUG"] is meant


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize("value", ["many", "1.5", "", "1e3", "0x10"])
def test_an_integer_that_is_none_is_refused_by_name(refusal, name, value):
    assert refusal(**{name: value}).startswith(f"{name}: a whole number, please.")


@pytest.mark.parametrize(("name", "minimum"), INTEGERS.items())
def test_an_integer_that_is_too_small_is_refused_by_name(refusal, name, minimum):
    assert refusal(**{name: str(minimum - 1)}) == f"{name}: at least {minimum}, please."
    assert refusal(**{name: "-5"}) == f"{name}: at least {minimum}, please."


@pytest.mark.parametrize(
    ("name", "value"),
    [("JWT_ALGORITHM", "none"), ("JWT_ALGORITHM", "hs256"), ("JWT_ALGORITHM", ""), ("LOG_LEVEL", "LOUD")],
)
def test_a_choice_that_there_is_not_is_refused_by_name(refusal, name, value):
    assert refusal(**{name: value}).startswith(f"{name}: one of ")


@pytest.mark.parametrize(
    "value",
    [
        "600",
        "many/minute",
        "0/minute",
        "-1/minute",
        "1.5/hour",
        "600/fortnight",
        "600/minutes",
        "600/MINUTE",
        "600 / minute",
        "600/minute\n",
        "٦/minute",
        "1e3/day",
        "9999999999/day",
        "/minute",
    ],
)
def test_a_rate_that_is_none_is_refused_by_name(refusal, value):
    assert refusal(API_RATE=value).startswith("API_RATE: such as 600/minute, please")


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("", None),
        ("5/second", (5, 1)),
        ("600/minute", (600, 60)),
        ("1/hour", (1, 3600)),
        ("100000/day", (100_000, 86_400)),
    ],
)
def test_a_rate_is_a_count_and_seconds(read, value, meant):
    assert read(SECRET_KEY=KEY, API_RATE=value)["API_RATE"] == meant


@pytest.mark.parametrize("value", [*module.PAGES, "users", "api/v1", "/admin/", "V1", "v1/../x", "v 1", "v1?x", "ä"])
def test_a_prefix_that_is_none_or_in_use_is_refused_by_name(refusal, value):
    assert refusal(RESOURCE_PREFIX=value).startswith("RESOURCE_PREFIX: the beginning of paths")


@pytest.mark.parametrize(
    ("value", "meant"), [("", "v1"), ("/v2/", "v2"), ("people/v1.0", "people/v1.0"), ("emails", "emails")]
)
def test_a_prefix_stands_without_slashes_around_it(read, value, meant):
    assert read(SECRET_KEY=KEY, RESOURCE_PREFIX=value)["RESOURCE_PREFIX"] == meant


@pytest.mark.parametrize(
    "value", ["localhost", "http://localhost", "redis://", "redis:///0", "redis://h:port", "redis://[::1", "unix://"]
)
def test_a_redis_that_is_none_is_refused_by_name(refusal, value):
    assert refusal(REDIS_URL=value).startswith("REDIS_URL: redis://host:6379/0")


@pytest.mark.parametrize("value", ["", "redis://h", "rediss://:p@h:6380/2", "redis://[::1]:6379", "unix:///run/redis"])
def test_a_redis_may_be_named_in_each_of_its_ways(read, value):
    assert read(SECRET_KEY=KEY, REDIS_URL=value)["REDIS_URL"] == value


@pytest.mark.parametrize("value", ["everybody", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/8, x", "*"])
def test_proxies_that_are_no_networks_are_refused_by_name(refusal, value):
    assert refusal(TRUSTED_PROXIES=value).startswith("TRUSTED_PROXIES: addresses or networks")


def test_lists_are_separated_by_commas_and_may_have_blanks(read):
    values = read(SECRET_KEY=KEY, ALLOWED_HOSTS=" a.example , b.example,", TRUSTED_PROXIES="10.0.0.0/8, ::1")
    assert values["ALLOWED_HOSTS"] == ["a.example", "b.example"]
    assert values["TRUSTED_PROXIES"] == [ip_network("10.0.0.0/8"), ip_network("::1")]


DOMAIN_LISTS = ["ROCKETCHAT_ALLOWED_DOMAINS", "ROCKETCHAT_BLOCKED_DOMAINS"]


@pytest.mark.parametrize("name", DOMAIN_LISTS)
@pytest.mark.parametrize(
    "value",
    [
        "example",
        "@example.com",
        "nina@example.com",
        "*.example.com",
        ".example.com",
        "example.com.",
        "-a.example",
        "a-.example",
        "a..example",
        "exam ple.com",
        "https://example.com",
        "example.com:25",
        "example.com;example.org",
        "b\u00fccher.example",
        "example.c\u00f6m",
        "example.com, nonsense",
        "10.0.0.1",
    ],
)
def test_domains_that_are_none_are_refused_by_name(refusal, name, value):
    assert refusal(**{name: value}).startswith(f"{name}: domains such as example.com, please; not ")


@pytest.mark.parametrize("name", DOMAIN_LISTS)
@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("", []),
        (" , ", []),
        ("example.com", ["example.com"]),
        (" Example.COM , a-b.c1.example,", ["example.com", "a-b.c1.example"]),
        ("xn--bcher-kva.example", ["xn--bcher-kva.example"]),
    ],
)
def test_domains_are_compared_in_small_letters(read, name, value, meant):
    assert read(SECRET_KEY=KEY, **{name: value})[name] == meant


def test_the_rocket_chat_contract_is_closed_and_open_where_its_product_is(read):
    values = read(SECRET_KEY=KEY)
    assert (values["ROCKETCHAT_REGISTRATION"], values["ROCKETCHAT_PASSWORD_POLICY"]) == (False, False)
    assert values["ROCKETCHAT_PASSWORD_MIN_LENGTH"] == 8
    assert [values[name] for name in DOMAIN_LISTS] == [[], []]


# The database


@pytest.mark.parametrize(
    "value", ["nonsense", "mysql://u@h/d", "oracle://u@h/d", "ftp://x", "postgres://h:port/d", "://"]
)
def test_a_database_that_we_do_not_run_on_is_refused_by_name(refusal, value):
    assert refusal(DATABASE_URL=value).startswith("DATABASE_URL: ")


def test_the_password_in_an_address_is_not_in_the_refusal(refusal):
    assert "hunter2" not in refusal(DATABASE_URL="mysql://u:hunter2@h/d")


def test_without_an_address_it_is_sqlite_in_var(read, tmp_path):
    for environment in ({}, {"DATABASE_URL": ""}):
        database = read(SECRET_KEY=KEY, **environment)["DATABASES"]["default"]
        assert database["ENGINE"] == "django.db.backends.sqlite3"
        assert Path(database["NAME"]) == tmp_path / "var" / "db.sqlite3"


def test_sqlite_queues_its_writers_and_keeps_a_write_ahead_log(read, tmp_path):
    database = read(SECRET_KEY=KEY, DATABASE_URL=f"sqlite:///{tmp_path}/deep/er/db.sqlite3")["DATABASES"]["default"]
    assert database["NAME"] == f"{tmp_path}/deep/er/db.sqlite3"
    assert (tmp_path / "deep/er").is_dir()
    assert (database["OPTIONS"]["transaction_mode"], database["OPTIONS"]["timeout"]) == ("IMMEDIATE", 20)
    assert "journal_mode=WAL" in database["OPTIONS"]["init_command"]
    assert "busy_timeout=20000" in database["OPTIONS"]["init_command"]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_postgresql_prepares_statements_and_keeps_connections(read, scheme):
    database = read(SECRET_KEY=KEY, DATABASE_URL=f"{scheme}://u:p%40ss@db.example:6543/people?sslmode=require")
    database = database["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert [database[name] for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME")] == [
        "u",
        "p@ss",
        "db.example",
        6543,
        "people",
    ]
    assert database["OPTIONS"] == {"sslmode": "require", "server_side_binding": True, "prepare_threshold": 5}
    assert (database["CONN_MAX_AGE"], database["DISABLE_SERVER_SIDE_CURSORS"]) == (60, False)


def test_behind_pgbouncer_nothing_outlives_a_transaction(read):
    database = read(
        SECRET_KEY=KEY, DATABASE_URL="postgres://db/people", DATABASE_PGBOUNCER="on", DATABASE_CONN_MAX_AGE="0"
    )["DATABASES"]["default"]
    assert database["OPTIONS"]["prepare_threshold"] is None
    assert (database["CONN_MAX_AGE"], database["DISABLE_SERVER_SIDE_CURSORS"]) == (0, True)


@pytest.mark.parametrize(("name", "value"), [("DATABASE_PGBOUNCER", "maybe"), ("DATABASE_CONN_MAX_AGE", "-1")])
def test_what_postgresql_is_told_is_read_strictly_too(refusal, name, value):
    assert refusal(DATABASE_URL="postgres://db/people", **{name: value}).startswith(f"{name}: ")


# The door


def test_production_is_closed_by_default(read):
    values = read(SECRET_KEY=KEY)
    assert (values["DEBUG"], values["HTTPS"], values["TRUSTED_PROXIES"]) == (False, True, [])
    assert values["SECURE_SSL_REDIRECT"] and values["SESSION_COOKIE_SECURE"] and values["CSRF_COOKIE_SECURE"]
    assert "*" not in values["ALLOWED_HOSTS"]
    # Who is no proxy of ours must not say that a connection is safe.
    assert values["SECURE_PROXY_SSL_HEADER"] is None
    assert read(SECRET_KEY=KEY, TRUSTED_PROXIES="10.0.0.1")["SECURE_PROXY_SSL_HEADER"] is not None


def test_production_writes_logs_for_machines_and_development_for_people(read):
    formatter = [
        values["LOGGING"]["handlers"]["console"]["formatter"] for values in (read(SECRET_KEY=KEY), read(DEBUG="on"))
    ]
    assert formatter == ["json", "text"]


def deploy_check(**environment):
    return subprocess.run(  # our own interpreter, no input
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "DEBUG"],
        cwd=present.BASE_DIR,
        env={"PATH": os.environ["PATH"], "ALLOWED_HOSTS": "directory.example.com", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_passes_djangos_own_check_of_deployments():
    result = deploy_check(SECRET_KEY="7Zq-long_and_random-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFG")
    told = [line for line in result.stderr.splitlines() if line.startswith("?:")]
    assert told == []
    assert "System check identified" in result.stdout + result.stderr


def test_the_check_stops_a_deployment_with_keys_that_cannot_serve():
    result = deploy_check(SECRET_KEY="short", JWT_ALGORITHM="RS256")
    assert result.returncode == 1
    assert "usermgmt.E001" in result.stderr
    assert "usermgmt.E002" in result.stderr


def ids(**changes):
    return [message.id for message in run_checks(tags=["security"]) if message.id.startswith("usermgmt.")]


def test_a_key_of_31_bytes_is_too_short_and_one_of_32_is_not(settings):
    settings.SECRET_KEY = "k" * 31
    assert sorted(ids()) == [
        "usermgmt.E001",
        "usermgmt.E002",
    ]  # and a server that was started without checks signs nothing
    settings.SECRET_KEY = "k" * 32
    assert ids() == []
    settings.SECRET_KEY = "é" * 16  # bytes, not characters
    assert ids() == []
    settings.SECRET_KEY_FALLBACKS = ["f" * 32, "f" * 31]
    assert sorted(ids()) == ["usermgmt.E001", "usermgmt.E002"]


@pytest.mark.parametrize(
    "content", [None, b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", b"\xff"]
)
def test_a_key_file_that_cannot_serve_is_told_by_its_name(settings, tmp_path, content):
    path = tmp_path / "key.pem"
    if content is not None:
        path.write_bytes(content)
    settings.JWT_ALGORITHM, settings.JWT_KEY_FILES = "ES256", [str(path)]
    (error,) = [message for message in run_checks(tags=["security"]) if message.id == "usermgmt.E002"]
    assert f"JWT_KEY_FILES: {path}: " in error.msg


def test_a_key_file_of_the_right_kind_passes(settings, tmp_path):
    path = tmp_path / "key.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    settings.JWT_ALGORITHM, settings.JWT_KEY_FILES = "ES256", [str(path)]
    path.chmod(0o640)  # a group may be how a mounted secret comes to the service
    assert ids() == []
    path.chmod(0o644)
    (warning,) = [message for message in run_checks(tags=["security"]) if message.id == "usermgmt.W001"]
    assert f"chmod 600 {path}" in warning.msg
    public = tmp_path / "public.pem"  # is for everybody
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    public.chmod(0o644)
    settings.JWT_ALGORITHM, settings.JWT_KEY_FILES = "HS256", [str(public)]
    assert ids() == []


def test_key_texts_are_read_one_after_the_other_with_their_line_breaks_escaped_or_not(read, refusal):
    one, two = (f"-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n" for label in ("PRIVATE KEY", "PUBLIC KEY"))
    assert read(SECRET_KEY=KEY, JWT_KEYS=one + two)["JWT_KEYS"] == [one, two]
    assert read(SECRET_KEY=KEY, JWT_KEYS=f"{one}  {two}".replace("\n", "\\n"))["JWT_KEYS"] == [one, two]
    assert read(SECRET_KEY=KEY)["JWT_KEYS"] == read(SECRET_KEY=KEY, JWT_KEYS=" ")["JWT_KEYS"] == []
    for nonsense in ("garbage", f"{one}garbage", "-----BEGIN PRIVATE KEY-----"):
        assert "JWT_KEYS" in refusal(JWT_KEYS=nonsense)
        assert "AAAA" not in refusal(JWT_KEYS=nonsense)


def manage(command, **environment):
    return subprocess.run(  # noqa: S603  # our own interpreter, no input
        [sys.executable, "manage.py", command],
        cwd=present.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("command", ["makemigrations", "migrate", "check", "seed_demo"])
def test_a_command_without_settings_says_what_to_do_and_nothing_else(command):
    told = manage(command)
    assert (told.returncode, told.stdout, told.stderr.count("\n")) == (1, "", 1)
    assert told.stderr.startswith("Error: SECRET_KEY is not set. Make one with ")


def test_a_command_without_its_database_says_so_and_nothing_else():
    told = manage("migrate", DEVELOPMENT="on", DATABASE_URL="postgres://nobody@127.0.0.1:9/nothing")
    assert told.returncode == 1
    assert "Error: the database does not answer: " in told.stderr
    assert "Traceback" not in told.stderr


# Origins


@pytest.mark.parametrize(
    "origins", ["https://app.example.com", "http://localhost:3000, https://app.example.com", "https://[::1]:8443", ""]
)
def test_origins_are_opened_as_they_are_written(read, origins):
    written = [origin.strip() for origin in origins.split(",") if origin]
    assert read(SECRET_KEY=KEY, CORS_ORIGINS=origins)["CORS_ALLOWED_ORIGINS"] == written


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "app.example.com",
        "https://app.example.com/",
        "https://app.example.com/path",
        "https://*.example.com",
        "https://App.example.com",  # a browser never sends it so, and nothing would match
        "ftp://app.example.com",
        "https://user@app.example.com",
        "https://app.example.com?x",
        "https://",
        "file://",
    ],
)
def test_what_is_no_origin_stops_the_start(refusal, origin):
    assert "CORS_ORIGINS: origins such as https://app.example.com" in refusal(
        CORS_ORIGINS=f"https://a.example,{origin}"
    )
