"""Settings, read from the environment; each variable is told in README.md, "Configuration"."""

import os
import re
import secrets
from contextlib import suppress
from datetime import timedelta
from email.utils import formataddr, getaddresses
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import unquote, urlsplit

import dj_database_url
import dj_email_url
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvError

from usermgmt import VERSION
from usermgmt.text import has_control_characters, is_blank

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"


# Readers of the environment: strict, so that a typing error stops the start instead of opening a door.

env = Env()

_ORIGIN = re.compile(r"https?://([a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(:[0-9]{1,5})?\Z")
_PLACE = re.compile(_ORIGIN.pattern.replace(r"\Z", r"(/[A-Za-z0-9._~-]+)*\Z"), re.IGNORECASE)
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}\Z", re.IGNORECASE | re.ASCII)
_MAILBOX = re.compile(r"[^\s<>@,;]+@[^\s<>@,;]+\Z")


def _boolean(name: str, default: bool) -> bool:
    try:
        return env.bool(name, default)
    except EnvError as error:
        raise ImproperlyConfigured(f"{name}: on or off, please. {error}") from error


def _integer(name: str, default: int, *, minimum: int) -> int:
    try:
        value = env.int(name, default)
    except EnvError as error:
        raise ImproperlyConfigured(f"{name}: a whole number, please. {error}") from error
    if value < minimum:
        raise ImproperlyConfigured(f"{name}: at least {minimum}, please.")
    return value


def _list(name: str, default: str = "") -> list[str]:
    return [item.strip() for item in env.str(name, default).split(",") if item.strip()]


def _origins(name: str) -> list[str]:
    """Origins as browsers send them (RFC 6454 6.2): a scheme, a host, a port where it is not the usual one."""
    origins = _list(name)
    for origin in origins:
        if _ORIGIN.match(origin) is None:
            raise ImproperlyConfigured(f"{name}: origins such as https://app.example.com, please; not {origin!r}.")
    return origins


def _domains(name: str) -> list[str]:
    """Domains of e-mail addresses, as the directory's addresses have them."""
    domains = _list(name)
    for domain in domains:
        if _DOMAIN.match(domain) is None:
            raise ImproperlyConfigured(f"{name}: domains such as example.com, please; not {domain!r}.")
    return [domain.lower() for domain in domains]


def _place(name: str, default: str = "") -> str:
    """An address that paths are added to; none is ''."""
    place = (env.str(name, "") or default).rstrip("/")
    if place and _PLACE.match(place) is None:
        raise ImproperlyConfigured(f"{name}: an address such as https://users.example.com, please; not {place!r}.")
    return place


def _prefix(name: str, default: str) -> str:
    """The beginning of a contract's paths, without slashes around it."""
    prefix = (env.str(name, "") or default).strip("/")
    if re.fullmatch(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*", prefix) is None or prefix in _OWN_PLACES:
        raise ImproperlyConfigured(f"{name}: the beginning of paths, such as v1, and none that is in use, please.")
    return prefix


# What people open, by the first part of its path; all else is calls.
PAGES = ("admin", "docs", "email", "invitation", "password", "static")
_OWN_PLACES = (*PAGES, "api", "api/v1", "auth", "clients", "events", "openapi", "tokens", "users")
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 24 * 3600}


def _rate(name: str) -> tuple[int, int] | None:
    """A count and the seconds that it is for, from e.g. "600/minute"; None if there is none."""
    value = env.str(name, "")
    match = re.fullmatch(r"([1-9][0-9]{0,8})/(second|minute|hour|day)", value, re.ASCII)
    if value and match is None:
        raise ImproperlyConfigured(f"{name}: such as 600/minute, please; of a second, a minute, an hour or a day.")
    return (int(match[1]), _UNITS[match[2]]) if match is not None else None


def _redis(name: str) -> str:
    url = env.str(name, "")
    try:
        parts = urlsplit(url)
        placed = parts.path if parts.scheme == "unix" else parts.hostname and parts.port != 0
    except ValueError:
        placed = None
    if url and not (placed and parts.scheme in ("redis", "rediss", "unix")):
        raise ImproperlyConfigured(f"{name}: redis://host:6379/0, rediss://... or unix://..., please.")
    return url


def _networks(name: str) -> list[IPv4Network | IPv6Network]:
    try:
        return [ip_network(item) for item in _list(name)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: addresses or networks such as 10.0.0.0/8, please. {error}") from error


def _choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    value = env.str(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name}: one of {', '.join(choices)}, please.")
    return value


def _name(name: str, default: str) -> str:
    """The name of something in the directory, as its rules have names."""
    value = (env.str(name, "") or default).strip()
    if is_blank(value) or has_control_characters(value) or len(value) > 255:
        raise ImproperlyConfigured(f"{name}: a name of 1 to 255 characters on one line, please.")
    return value


def _pems(name: str) -> list[str]:
    """The PEM texts in a variable, one after the other; a line break may be written as \\n."""
    text = env.str(name, "").replace("\\n", "\n").strip()
    found = re.findall(r"-----BEGIN ([A-Z ]+)-----(.*?)-----END \1-----", text, re.DOTALL)
    if text and (
        not found or re.sub(r"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----", "", text, flags=re.DOTALL).strip()
    ):
        raise ImproperlyConfigured(f"{name}: PEM texts, one after the other, and nothing else, please.")
    return [f"-----BEGIN {label}-----{body}-----END {label}-----\n" for label, body in found]


def _secret_key() -> str:
    """SECRET_KEY; a development run without one makes one and keeps it, for its owner's eyes only."""
    key = env.str("SECRET_KEY", "")
    if key:
        return key
    if not (DEBUG or DEVELOPMENT):
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. Make one with"
            " `python -c 'import secrets; print(secrets.token_urlsafe(48))'` and keep it secret;"
            " for a development run use `make run`."
        )
    path = VAR_DIR / "secret_key"
    VAR_DIR.mkdir(exist_ok=True)
    if not path.exists():
        # Written aside and linked into place: of processes that start at once, each reads the same whole key.
        with NamedTemporaryFile("w", dir=VAR_DIR) as file:  # mode 0600
            file.write(secrets.token_urlsafe(48))
            file.flush()
            with suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_text()


def _database(url: str) -> dict[str, Any]:
    """Django's settings of the database that DATABASE_URL names."""
    try:
        database: dict[str, Any] = dict(dj_database_url.parse(url))
    except ValueError as error:
        raise ImproperlyConfigured("DATABASE_URL: sqlite:///... or postgres://..., please.") from error
    if database["ENGINE"] == "django.db.backends.sqlite3":
        Path(database["NAME"]).parent.mkdir(parents=True, exist_ok=True)
        database["OPTIONS"] = {
            # Writers queue from the start of their transaction, instead of failing in its middle.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,  # seconds
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000;",
        }
        # A file, not memory: threads share it as they do in service.
        database["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
    elif database["ENGINE"] == "django.db.backends.postgresql":
        pgbouncer = _boolean("DATABASE_PGBOUNCER", False)
        # In transaction mode a statement prepared on one connection is not there on the next.
        database["OPTIONS"] = database.get("OPTIONS", {}) | {
            "server_side_binding": True,
            "prepare_threshold": None if pgbouncer else 5,
        }
        database["DISABLE_SERVER_SIDE_CURSORS"] = pgbouncer
        database["CONN_MAX_AGE"] = _integer("DATABASE_CONN_MAX_AGE", 60, minimum=0)  # seconds
    else:
        raise ImproperlyConfigured("DATABASE_URL: sqlite:///... or postgres://..., please.")
    return database


_MAIL_SCHEMES = {"smtp": "smtp://", "smtp+tls": "submission://", "smtp+ssl": "smtp://", "file": "file://"}
_SMTPS_PORT = 465  # RFC 8314 7.3


def _mail_server(url: str) -> dict[str, Any]:
    """Django's settings of the mail server that EMAIL_URL names; the refusal never repeats its password."""
    wish = "EMAIL_URL: smtp://, smtp+tls:// or smtp+ssl://user:password@host:port, or file:///folder, please."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(wish) from error
    to_file = parts.scheme == "file"
    sound = parts.path.startswith("/") and not parts.netloc if to_file else parts.hostname and parts.path in ("", "/")
    if parts.scheme not in _MAIL_SCHEMES or not sound or port == 0 or parts.query or parts.fragment:
        raise ImproperlyConfigured(wish)
    server: dict[str, Any] = dj_email_url.parse(_MAIL_SCHEMES[parts.scheme] + url.partition("://")[2])
    if parts.scheme == "smtp+ssl":
        server |= {"EMAIL_USE_SSL": True, "EMAIL_PORT": port or _SMTPS_PORT}
    if to_file:
        server["EMAIL_FILE_PATH"] = unquote(parts.path)
    return server


def _sender(name: str, default: str) -> str:
    """An address, with or without a name before it."""
    sender = env.str(name, "") or default
    found = [address for _, address in getaddresses([sender])]
    if not sender.isprintable() or len(found) != 1 or _MAILBOX.match(found[0]) is None:
        raise ImproperlyConfigured(f"{name}: as User Directory <no-reply@example.com>, please.")
    return sender


# What kind of run this is

DEBUG = _boolean("DEBUG", False)
DEVELOPMENT = _boolean("DEVELOPMENT", False)  # set by `make run` and by the tests
SECRET_KEY = _secret_key()
SECRET_KEY_FALLBACKS = _list("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = _list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = _list("CSRF_TRUSTED_ORIGINS")
TRUSTED_PROXIES = _networks("TRUSTED_PROXIES")
HTTPS = _boolean("HTTPS", not (DEBUG or DEVELOPMENT))
SITE_NAME = env.str("SITE_NAME", "User Directory")

# Where people reach the service: links in mails never follow a Host header, which anybody may write.
PUBLIC_URL = _place(
    "PUBLIC_URL",
    f"http://{env.str('HOST', '') or '127.0.0.1'}:{env.str('PORT', '') or '8000'}" if DEVELOPMENT else "",
)
PUBLIC_APP_URL = _place("PUBLIC_APP_URL")
REDIS_URL = _redis("REDIS_URL")

# The house

INSTALLED_APPS = [
    "accounts",
    "clients",
    "usermgmt",
    "usermgmt.dialects.forms",
    "usermgmt.apps.DirectoryAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "usermgmt.http.middleware.OriginMiddleware",
    "usermgmt.http.middleware.CallsMiddleware",  # what follows is for pages
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "usermgmt.http.middleware.ContentPolicyMiddleware",
    "usermgmt.http.middleware.PreflightMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "usermgmt.http.middleware.AdminSessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "usermgmt.http.middleware.AdminAuthenticationMiddleware",
    "usermgmt.http.middleware.AdminMessageMiddleware",
]
ROOT_URLCONF = "usermgmt.urls"
WSGI_APPLICATION = "usermgmt.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {"default": _database(env.str("DATABASE_URL", "") or f"sqlite:///{VAR_DIR}/db.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False  # messages are part of the contracts, in English

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG or DEVELOPMENT  # without `collectstatic`
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if WHITENOISE_USE_FINDERS
        else "usermgmt.http.files.CollectedFiles"
    },
}

# Users, passwords, tokens

AUTH_USER_MODEL = "accounts.User"
SILENCED_SYSTEM_CHECKS = ["auth.W004"]  # e-mail is unique, in another column and by any spelling
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"
AUTHENTICATION_BACKENDS = ["accounts.authentication.DirectoryBackend"]
PASSWORD_HASHERS = [
    "accounts.hashers.Argon2idHasher",
    "accounts.hashers.RailsBcryptHasher",
    "accounts.hashers.RocketChatBcryptHasher",
    "accounts.hashers.ImportedPBKDF2Hasher",
    "accounts.hashers.ImportedPBKDF2SHA1Hasher",
]
AUTH_PASSWORD_VALIDATORS = [{"NAME": "accounts.passwords.PolicyValidator"}]
DEFAULT_CLIENT = _name("DEFAULT_CLIENT", "Default")
CHOSEN_PASSWORDS_MUST_CHANGE = _choice("CHOSEN_PASSWORDS_MUST_CHANGE", "staff", ("staff", "always", "never"))
PASSWORD_MIN_LENGTH = _integer("PASSWORD_MIN_LENGTH", 8, minimum=1)  # characters
ARGON2_MEMORY_KIB = _integer("ARGON2_MEMORY_KIB", 19 * 1024, minimum=8)
ARGON2_PASSES = _integer("ARGON2_PASSES", 2, minimum=1)
ARGON2_LANES = _integer("ARGON2_LANES", 1, minimum=1)
JWT_ALGORITHM = _choice("JWT_ALGORITHM", "HS256", ("HS256", "RS256", "ES256", "EdDSA"))
JWT_KEY_FILES = _list("JWT_KEY_FILES")
JWT_KEYS = _pems("JWT_KEYS")
JWT_KEY_DIR = Path(env.str("JWT_KEY_DIR", "") or VAR_DIR / "jwt_keys")
JWT_ISSUER = env.str("JWT_ISSUER", "usermgmt")
JWT_AUDIENCE = env.str("JWT_AUDIENCE", "usermgmt")
JWT_ACCESS_LIFETIME = timedelta(seconds=_integer("JWT_ACCESS_LIFETIME", 15 * 60, minimum=1))
JWT_REFRESH_LIFETIME = timedelta(seconds=_integer("JWT_REFRESH_LIFETIME", 14 * 24 * 3600, minimum=1))

# The resource contract

RESOURCE_PREFIX = _prefix("RESOURCE_PREFIX", "v1")
RESOURCE_RATE = _rate("RESOURCE_RATE") or (1000, 60)  # of a token: a count, and seconds

# The Rocket.Chat contract

ROCKETCHAT_REGISTRATION = _boolean("ROCKETCHAT_REGISTRATION", False)
ROCKETCHAT_PASSWORD_MIN_LENGTH = _integer("ROCKETCHAT_PASSWORD_MIN_LENGTH", 8, minimum=1)  # characters
ROCKETCHAT_PASSWORD_POLICY = _boolean("ROCKETCHAT_PASSWORD_POLICY", False)
ROCKETCHAT_ALLOWED_DOMAINS = _domains("ROCKETCHAT_ALLOWED_DOMAINS")
ROCKETCHAT_BLOCKED_DOMAINS = _domains("ROCKETCHAT_BLOCKED_DOMAINS")

# The forms contract

FORMS_PASSWORD_MIN_LENGTH = _integer("FORMS_PASSWORD_MIN_LENGTH", 6, minimum=1)  # characters

# Mails, and the links in them

EMAIL_URL = env.str("EMAIL_URL", "") or (f"file://{VAR_DIR}/mail" if DEVELOPMENT else "")
if EMAIL_URL:
    _server = _mail_server(EMAIL_URL)
    EMAIL_BACKEND, EMAIL_FILE_PATH = _server["EMAIL_BACKEND"], _server["EMAIL_FILE_PATH"]
    EMAIL_HOST, EMAIL_PORT = _server["EMAIL_HOST"], _server["EMAIL_PORT"]
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _server["EMAIL_HOST_USER"], _server["EMAIL_HOST_PASSWORD"]
    EMAIL_USE_TLS, EMAIL_USE_SSL = _server["EMAIL_USE_TLS"], _server["EMAIL_USE_SSL"]
EMAIL_TIMEOUT = 10  # seconds without a word from the mail server
DEFAULT_FROM_EMAIL = _sender("MAIL_FROM", formataddr((SITE_NAME, "no-reply@localhost")))
MAIL_IN_SERVER = _boolean("MAIL_IN_SERVER", True)
MAILS_PER_HOUR = _integer("MAILS_PER_HOUR", 3, minimum=1)  # resets and verifications, of one account
RESET_LIFETIME = timedelta(seconds=_integer("RESET_LIFETIME", 3600, minimum=60))
VERIFICATION_LIFETIME = timedelta(seconds=_integer("VERIFICATION_LIFETIME", 3 * 24 * 3600, minimum=60))
INVITATION_LIFETIME = timedelta(seconds=_integer("INVITATION_LIFETIME", 7 * 24 * 3600, minimum=60))

# Limits

SIGN_IN_FAILURES = _integer("SIGN_IN_FAILURES", 5, minimum=1)  # of an account from an address, before delays
SIGN_IN_FAILURES_PER_ADDRESS = _integer("SIGN_IN_FAILURES_PER_ADDRESS", 50, minimum=1)
API_RATE = _rate("API_RATE")  # of a user or token

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.AccessTokenAuthentication",
        "accounts.authentication.ApiTokenAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["usermgmt.http.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "usermgmt.http.negotiation.JSONOnly",
    "DEFAULT_PAGINATION_CLASS": "usermgmt.http.pagination.NativePagination",
    "DEFAULT_SCHEMA_CLASS": "usermgmt.http.schema.ContractSchema",
    "EXCEPTION_HANDLER": "usermgmt.http.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.0",
    "VERSION": VERSION,
    "SERVERS": [{"url": "/"}],  # the host that the document came from
    "DEFAULT_GENERATOR_CLASS": "usermgmt.http.schema.ContractGenerator",
    "COMPONENT_SPLIT_REQUEST": True,  # what goes in and what comes out are not the same
    "COMPONENT_SPLIT_PATCH": False,  # PUT and PATCH are
    "SORT_OPERATIONS": False,  # as in the URL conf
    "SORT_OPERATION_PARAMETERS": False,
    "POSTPROCESSING_HOOKS": [],
}

# The door

# No script or style but our own files', nothing from elsewhere, nobody frames us: the admin site and the reader of
# the documents work under it (CSP Level 3). data: are the pictures in the reader's style sheet.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
# Scripts of these origins may call the APIs, with tokens; never with cookies, so that no session can be ridden.
CORS_ALLOWED_ORIGINS = _origins("CORS_ORIGINS")
CORS_URLS_REGEX = r"^/(?!admin/)"
CORS_ALLOW_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
CORS_ALLOW_HEADERS = ["authorization", "content-type", "if-match", "idempotency-key", "x-request-id"]
CORS_ALLOW_HEADERS += ["x-auth-token", "x-user-id", "x-2fa-code"]  # the Rocket.Chat contract's
CORS_EXPOSE_HEADERS = [
    "ETag",
    "Idempotent-Replayed",
    "Link",
    "Location",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-ID",
]
CORS_PREFLIGHT_MAX_AGE = 3600  # seconds
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"  # a link in a mail to staff opens their session
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600  # seconds
CSRF_FAILURE_VIEW = "usermgmt.http.problems.forged"
X_FRAME_OPTIONS = "DENY"

# Logs: a JSON object a line in service, plain text for a person at a terminal

LOG_LEVEL = _choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "usermgmt.http.logs.JSONFormatter"},
        "text": {"format": "%(levelname)s %(name)s %(message)s"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "text" if DEBUG or DEVELOPMENT else "json"}
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        # Every answer has its line from usermgmt.access already, every unexpected error its trace from
        # usermgmt.problems.
        "django.request": {"level": "CRITICAL"},
        # A trace for whoever names another host, sends a form of a thousand fields, or filters by what is no filter.
        "django.security": {"level": "CRITICAL"},
        "django.security.csrf": {"level": "WARNING"},  # has no trace, and says why a form of ours was refused
        "django.server": {"level": "ERROR"},
    },
}
