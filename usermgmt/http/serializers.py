"""Reading bodies: strict types, and every fault at once."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from usermgmt.errors import Fault


class StrictStringField(serializers.Field):  # type: ignore[type-arg]
    """A JSON string, taken as it is; null counts as an empty one where `null_is_blank`."""

    def __init__(self, *, null_is_blank: bool = True, **options: Any) -> None:
        self.null_is_blank = null_is_blank
        super().__init__(allow_null=null_is_blank, **options)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return "" if data is None and self.null_is_blank else super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("is invalid", code="invalid")
        return data

    def to_representation(self, value: str) -> str:
        return value


class StrictIntegerField(serializers.Field):  # type: ignore[type-arg]
    """A JSON integer; no boolean, no fraction, no text."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            raise serializers.ValidationError("is invalid", code="invalid")
        return data

    def to_representation(self, value: int) -> int:
        return value


class StrictBooleanField(serializers.Field):  # type: ignore[type-arg]
    """JSON true or false; nothing that looks like them."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("is invalid", code="invalid")
        return data

    def to_representation(self, value: bool) -> bool:
        return value


# What the OpenAPI document says of each.
extend_schema_field(OpenApiTypes.STR)(StrictStringField)
extend_schema_field(OpenApiTypes.INT64)(StrictIntegerField)
extend_schema_field(OpenApiTypes.BOOL)(StrictBooleanField)


class Reader(serializers.Serializer):  # type: ignore[type-arg]
    """A body by its fields: only types are judged here, the rules are the services'.

    `required` on a field is for the OpenAPI document; what is missing is a rule, too.
    """

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
        """The values sent, unknown keys left out, and a fault for each that has the wrong type."""
        values: dict[str, Any] = {}
        faults: list[Fault] = []
        for name, field in cls().fields.items():
            if name not in body:
                continue
            try:
                values[name] = field.run_validation(body[name])
            except serializers.ValidationError:
                faults.append(Fault(name, "invalid"))
        return values, faults
