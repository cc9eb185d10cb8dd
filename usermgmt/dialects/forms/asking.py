"""What a request says of its form, whatever it is about (contract 3): which configuration, and the values."""

from collections.abc import Mapping
from typing import Any

from usermgmt.dialects.forms import compiled
from usermgmt.dialects.forms.compiled import Configuration, NoConfiguration, Resource
from usermgmt.dialects.forms.errors import NO_CONFIGURATION, NO_FORM, wrong_parameters
from usermgmt.http.ids import is_id

NAMES = ("form_configuration_name", "form_name")  # the second since 2020
NUMBERS = ("form_configuration_id", "form_id")


def configuration_of(said: Mapping[str, Any], resource: Resource) -> Configuration:
    """The configuration that a body, or a query, names; by several keys only one and the same. Raises Refused."""
    named = [_configuration(key, said[key], resource) for key in (*NAMES, *NUMBERS) if key in said]
    if len({configuration.number for configuration in named}) != 1:
        raise wrong_parameters(NO_CONFIGURATION)
    return named[0]


def names_one(said: Mapping[str, Any]) -> bool:
    """Whether anything is said of a configuration."""
    return any(key in said for key in (*NAMES, *NUMBERS))


def form_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """The values. Raises Refused."""
    form = said.get("form")
    if not isinstance(form, dict):
        raise wrong_parameters(NO_FORM)
    return form


def _configuration(key: str, value: Any, resource: Resource) -> Configuration:
    try:
        if key in NAMES and isinstance(value, str):
            return compiled.named(value, resource)
        if key in NUMBERS and isinstance(value, str | int) and is_id(str(value)):  # True is no number of its own
            return compiled.numbered(int(value), resource)
    except NoConfiguration as error:
        raise wrong_parameters(NO_CONFIGURATION) from error
    raise wrong_parameters(NO_CONFIGURATION)
