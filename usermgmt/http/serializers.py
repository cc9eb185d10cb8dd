"""Reading bodies: strict types, and every fault at once."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar

from rest_framework import serializers

from usermgmt.errors import Fault
from usermgmt.http.moments import MOMENT, moment_of


class StrictField(serializers.Field):  # type: ignore[type-arg]
    """A value of one JSON type, taken as it is.

    schema: what the OpenAPI document says of this field beyond its type (JSON Schema).
    """

    json_type: ClassVar[str]

    def __init__(self, *, schema: Mapping[str, Any] | None = None, **options: Any) -> None:
        self.schema = schema or {}
        super().__init__(**options)

    def described(self) -> dict[str, Any]:
        """The field in JSON Schema."""
        return {"type": self.json_type, **self.schema}

    def to_representation(self, value: Any) -> Any:
        return value


class StrictStringField(StrictField):
    """A JSON string; null counts as an empty one where `null_is_blank`."""

    json_type = "string"

    def __init__(self, *, null_is_blank: bool = True, **options: Any) -> None:
        self.null_is_blank = null_is_blank
        super().__init__(**options)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return "" if data is None and self.null_is_blank else super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("is invalid", code="invalid")
        return data


class StrictIntegerField(StrictField):
    """A JSON integer; no boolean, no fraction, no text."""

    json_type = "integer"

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            raise serializers.ValidationError("is invalid", code="invalid")
        return data


class StrictBooleanField(StrictField):
    """JSON true or false; nothing that looks like them."""

    json_type = "boolean"

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("is invalid", code="invalid")
        return data


class StrictMomentField(StrictField):
    """A moment or a date, as text."""

    json_type = "string"

    def described(self) -> dict[str, Any]:
        return {**super().described(), **MOMENT}

    def to_internal_value(self, data: Any) -> datetime:
        try:
            return moment_of(data)
        except (TypeError, ValueError) as error:
            raise serializers.ValidationError("is invalid", code="invalid") from error


class StrictListField(StrictField):
    """A JSON array; null counts as an empty one."""

    json_type = "array"

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return [] if data is None else super().run_validation(data)

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            raise serializers.ValidationError("is invalid", code="invalid")
        return data


class Reader(serializers.Serializer):  # type: ignore[type-arg]
    """A body by its fields: only types are judged here, the rules are the services'.

    `required` on a field is for the OpenAPI document; what is missing is a rule, too.
    """

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
        """The values sent, unknown keys left out, and a fault for each that has the wrong type."""
        (read,) = cls.read_each([body])
        return read

    @classmethod
    def read_each(cls, bodies: Iterable[Mapping[str, Any]]) -> Iterator[tuple[dict[str, Any], list[Fault]]]:
        """As `read`, of many bodies."""
        fields = _fields(cls)
        for body in bodies:
            values: dict[str, Any] = {}
            faults: list[Fault] = []
            for name in [name for name in fields if name in body]:
                try:
                    values[name] = fields[name].run_validation(body[name])
                except serializers.ValidationError:
                    faults.append(Fault(name, "invalid"))
            yield values, faults


@lru_cache
def _fields(kind: type[Reader]) -> Mapping[str, Any]:
    """The fields of a body. They keep nothing of what they read, so a process makes them once: a serializer of DRF's
    copies them for itself, which takes longer than to read by them."""
    return dict(kind().fields)
