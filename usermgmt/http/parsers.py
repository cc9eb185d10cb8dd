"""The JSON gate: what reaches a serializer is one sound JSON object (DESIGN 3; RFC 8259)."""

import json
import math
from typing import IO, Any

from rest_framework import exceptions
from rest_framework.parsers import BaseParser

MAX_BODY_BYTES = 1024 * 1024
MAX_DEPTH = 32  # of objects and arrays within each other


class BadBody(exceptions.ParseError):
    """The body is not what the JSON gate lets through; `detail` says why."""


class NotAnObject(BadBody):
    """The body is sound JSON, but no object."""


class BodyTooLarge(exceptions.APIException):
    """The body is over the limit."""

    status_code = 413
    default_detail = "The request body is too large."
    default_code = "too_large"


class StrictJSONParser(BaseParser):
    """1 MiB of UTF-8, one object, depth 32, no duplicate keys, no NUL, no lone surrogates, finite numbers."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        """Raises BadBody or BodyTooLarge."""
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge
        return loads(body, charset=_charset(media_type))


def loads(body: bytes, *, charset: str = "utf-8") -> dict[str, Any]:
    """The object in `body`; raises BadBody, with the reason, for whatever the gate does not let through."""
    if charset.lower() not in ("utf-8", "utf8", "us-ascii"):
        raise BadBody("The request body must be UTF-8.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadBody("The request body must be UTF-8.") from error
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
    except RecursionError as error:
        raise BadBody(f"The JSON is nested deeper than {MAX_DEPTH} levels.") from error
    except ValueError as error:  # also an integer of more digits than Python reads
        raise BadBody("The request body is not valid JSON.") from error
    if not isinstance(value, dict):
        raise NotAnObject("The request body must be a JSON object.")
    _inspect(value)
    return value


def _charset(media_type: str | None) -> str:
    for parameter in (media_type or "").split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"')
    return "utf-8"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise BadBody("The JSON has a duplicate key.")
    return made


def _constant(name: str) -> float:
    raise BadBody("The JSON has a number that is not finite.")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise BadBody("The JSON has a number that is not finite.")
    return value


def _inspect(value: Any, depth: int = 1) -> None:
    """Refuse what is too deep, and text that no database can hold."""
    if depth > MAX_DEPTH and isinstance(value, dict | list):
        raise BadBody(f"The JSON is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(value, str):
        _inspect_text(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            _inspect_text(key)
            _inspect(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _inspect(item, depth + 1)


def _inspect_text(text: str) -> None:
    if "\0" in text:
        raise BadBody("The JSON has a NUL character.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadBody("The JSON has a lone surrogate.") from error
