"""System checks with ids: what is wrong with a configuration is told at start, not at the first request."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

from usermgmt.http.contracts import contracts

SECRET_KEY_MIN_BYTES = 32  # RFC 7518 3.2: as long as HS256's output


@register(Tags.security)
def secret_key_is_long_enough(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """usermgmt.E001"""
    if len(settings.SECRET_KEY.encode()) >= SECRET_KEY_MIN_BYTES:
        return []
    return [Error(f"SECRET_KEY has fewer than {SECRET_KEY_MIN_BYTES} bytes.", id="usermgmt.E001")]


@register(Tags.security)
def token_keys_serve(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """usermgmt.E002"""
    from accounts import keys

    try:
        keys.keyring()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="usermgmt.E002")]
    return []


@register(Tags.urls)
def contracts_do_not_clash(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """usermgmt.E003"""
    named = contracts()
    for what in ("name", "prefix"):
        values = [getattr(contract, what) for contract in named]
        if len(set(values)) < len(values):
            return [Error(f"Two contracts have the same {what}: {', '.join(values)}.", id="usermgmt.E003")]
    return []
