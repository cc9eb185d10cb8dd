"""Bodies against their JSON Schemas, as the product's validator does it: Ajv with `coerceTypes` (contract 1 and 3).

The first fault alone is told, in Ajv's words. Of JSON Schema this knows what our bodies are described with: `type`
(one name), `nullable` (OpenAPI 3.0), `required`, `additionalProperties: false`, `properties`, `items`, `minLength`.
Ajv's order: the type of the object, what is missing, what is too much, then each property (ajv.js.org/coercion.html).
"""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]


class Mismatch(Exception):
    """The value is not as its schema has it; the text is Ajv's message."""


def coerced(value: Any, schema: Schema) -> Any:
    """The value in the types that the schema asks for. Raises Mismatch, with the first fault."""
    if value is None and schema.get("nullable"):
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
        value = _number(value)
    elif not isinstance(value, str):
        raise Mismatch("must be string")
    shortest: int = schema.get("minLength", 0)
    if len(value) < shortest:
        raise Mismatch(f"must NOT have fewer than {shortest} characters")
    return str(value)


def _number(value: float) -> str:
    """A number as JavaScript writes it, in which 1.0 is 1 (ECMA 262, Number::toString)."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        value = int(value)
    return str(value)


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
