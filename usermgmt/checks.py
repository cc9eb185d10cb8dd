"""System checks with ids: what is wrong with a configuration is told at start, not at the first request."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured

from usermgmt.http.contracts import contracts


@register(Tags.security)
def secret_key_is_long_enough(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """usermgmt.E001"""
    from accounts.keys.material import SECRET_MIN_BYTES

    named = [("SECRET_KEY", settings.SECRET_KEY)]
    named += [("SECRET_KEY_FALLBACKS: one", key) for key in settings.SECRET_KEY_FALLBACKS]
    return [
        Error(f"{name} has fewer than {SECRET_MIN_BYTES} bytes.", id="usermgmt.E001")
        for name, key in named
        if len(key.encode()) < SECRET_MIN_BYTES
    ]


@register(Tags.security)
def token_keys_serve(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """usermgmt.E002, usermgmt.W001"""
    from accounts import keys

    try:
        keys.check()
        return [
            CheckWarning(
                f"JWT_KEY_FILES: {name}: everybody may read this private key: chmod 600 {name}", id="usermgmt.W001"
            )
            for name in keys.open_files()
        ]
    except ImproperlyConfigured as error:
        return [Error(str(error), id="usermgmt.E002")]


@register(Tags.urls)
def contracts_do_not_clash(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """usermgmt.E003"""
    named = contracts()
    for what in ("name", "prefix"):
        values = [getattr(contract, what) for contract in named]
        if len(set(values)) < len(values):
            return [Error(f"Two contracts have the same {what}: {', '.join(values)}.", id="usermgmt.E003")]
    return [
        Error(f"Two contracts answer for the path {place}: {one.name}, {other.name}.", id="usermgmt.E003")
        for one in named
        for place in one.outside
        for other in named
        if other is not one and other.has(place)
    ]


@register(Tags.security)
def links_in_mails_lead_somewhere(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """usermgmt.E010"""
    if settings.PUBLIC_URL or settings.PUBLIC_APP_URL or not settings.EMAIL_URL:
        return []
    return [
        Error(
            "EMAIL_URL is set, but not PUBLIC_URL: links in mails would lead nowhere.",
            hint="PUBLIC_URL is where people reach the service, as https://users.example.com.",
            id="usermgmt.E010",
        )
    ]
