"""Fields that tell their own schema."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

Schema = dict[str, Any]

_COUNT = {"type": "integer", "minimum": 0}
_PAGE = {"type": "integer", "minimum": 1}


def _object(**properties: Schema) -> Schema:
    """An object of exactly these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


@extend_schema_field(
    {
        "description": "Where in the list this page is: by number, or, in a walk, by cursor.",
        "oneOf": [
            _object(
                pagination=_object(
                    current_page=_PAGE,
                    next_page={"type": ["integer", "null"], "minimum": 1},
                    prev_page={"type": ["integer", "null"], "minimum": 1},
                    total_pages=_COUNT,
                    total_count=_COUNT,
                )
            ),
            _object(
                cursor=_object(
                    next={"type": ["string", "null"], "description": "The `cursor` of the next page; null on the last."}
                )
            ),
        ],
    },
    component_name="Meta",
)
class MetaField(serializers.Field):  # type: ignore[type-arg]
    """`meta` of a list; only described, never used."""


SAMPLE_META = {
    "pagination": {"current_page": 1, "next_page": 2, "prev_page": None, "total_pages": 5, "total_count": 125}
}
"""The `meta` of the native contract's example (section 5)."""


class StrictFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """The fields that read bodies tell their own schema."""

    target_class = "usermgmt.http.serializers.StrictField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Schema:
        described: Schema = self.target.described()
        return described
