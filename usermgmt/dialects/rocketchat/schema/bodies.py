"""The bodies that the contract describes, in the words of OpenAPI 3.1."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiExample

Schema = dict[str, Any]


def described(schema: Mapping[str, Any], told: Mapping[str, Schema]) -> Schema:
    """A schema that stands as OpenAPI 3.0 has it, where `nullable` is a keyword, in JSON Schema 2020-12, where null is
    a type.

    told: what is said of a property beyond its type, by its name, wherever it stands.
    """
    plain = {keyword: value for keyword, value in schema.items() if keyword not in ("nullable", "properties", "items")}
    if schema.get("nullable"):
        plain["type"] = [schema["type"], "null"]
    if "items" in schema:
        plain["items"] = described(schema["items"], told)
    if "properties" in schema:
        plain["properties"] = {
            name: {**described(value, told), **told[name]} for name, value in schema["properties"].items()
        }
    return plain


def sample(value: Mapping[str, Any], name: str) -> list[OpenApiExample]:
    """A body that is sent."""
    return [OpenApiExample(name, dict(value), request_only=True)]


def json_body(schema: Schema) -> dict[str, Schema]:
    """A body of `extend_schema`."""
    return {"application/json": schema}
