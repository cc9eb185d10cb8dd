"""Bodies against their JSON Schemas, as the product's validator does it: Ajv with `coerceTypes` (contract 1 and 3).

The first fault alone is told, in Ajv's words. Of JSON Schema this knows what our bodies are described with: `type`
(one name), `nullable` (OpenAPI 3.0), `required`, `additionalProperties: false`, `properties`, `items`, `minLength`,
`anyOf`.
Ajv's order: the type of the object, what is missing, what is too much, then each property (ajv.js.org/coercion.html).
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

Schema = Mapping[str, Any]


class Mismatch(Exception):
    """The value is not as its schema has it; the text is Ajv's message."""


def coerced(value: Any, schema: Schema) -> Any:
    """The value in the types that the schema asks for. Raises Mismatch, with the first fault."""
    if "anyOf" in schema:
        return _any_of(value, schema["anyOf"])
    if schema.get("nullable") and (value is None or _is_coerced_to_null(value, schema)):
        return None
    match schema.get("type"):
        case "object":
            return _object(value, schema)
        case "array":
            return _array(value, schema)
        case "string":
            return _string(value, schema)
        case "boolean":
            return _boolean(value)
        case _:
            return value


def _is_coerced_to_null(value: Any, schema: Schema) -> bool:
    """Whether Ajv takes `value` for null: what the first of the two types, which goes first, can't be made of."""
    return schema.get("type") == "boolean" and value == ""


def _object(value: Any, schema: Schema) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Mismatch("must be object")
    for name in schema.get("required", ()):
        if name not in value:
            raise Mismatch(f"must have required property '{name}'")
    properties: Mapping[str, Schema] = schema.get("properties", {})
    if schema.get("additionalProperties") is False and not value.keys() <= properties.keys():
        raise Mismatch("must NOT have additional properties")
    judged = {name: coerced(value[name], properties[name]) for name in properties if name in value}
    return {**value, **judged}


def _array(value: Any, schema: Schema) -> list[Any]:
    if not isinstance(value, list):
        raise Mismatch("must be array")
    return [coerced(item, schema.get("items", {})) for item in value]


def _string(value: Any, schema: Schema) -> str:
    if value is None:
        value = ""
    elif isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, int | float):
        value = _text_of(value)
    elif not isinstance(value, str):
        raise Mismatch("must be string")
    shortest: int = schema.get("minLength", 0)
    if len(value) < shortest:
        raise Mismatch(f"must NOT have fewer than {shortest} characters")
    return str(value)


def _text_of(number: float) -> str:
    """A number as JavaScript writes it (ECMA 262, Number::toString); of an integer, all the digits that were sent."""
    if isinstance(number, int) or number == 0:
        return str(int(number))
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    text, point = "".join(map(str, digits)), len(digits) + int(exponent)  # where the point stands in the digits
    if len(text) <= point <= 21:
        shown = text.ljust(point, "0")
    elif 0 < point <= 21:
        shown = f"{text[:point]}.{text[point:]}"
    elif -6 < point <= 0:
        shown = f"0.{'0' * -point}{text}"
    else:
        shown = f"{text[0]}{'.' if text[1:] else ''}{text[1:]}e{point - 1:+d}"
    return f"-{shown}" if sign else shown


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, list | dict):
        raise Mismatch("must be boolean")
    if value in ("true", 1):
        return True
    if value in ("false", 0, None):
        return False
    raise Mismatch("must be boolean")


def _any_of(value: Any, schemas: Sequence[Schema]) -> Any:
    """By the first schema that it is of; else the first fault by each, as the product joins them."""
    told = []
    for schema in schemas:
        try:
            return coerced(value, schema)
        except Mismatch as mismatch:
            told.append(str(mismatch))
    raise Mismatch("\n ".join([*told, "must match a schema in anyOf"]))
