"""The shapes of the contract as JSON Schema, typed from its tables (contract 2 and 4), and how tests read answers."""

from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

EMAIL_PATTERN = r"^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}$"
USER = {
    "type": "object",
    "properties": {
        "userId": {"type": "integer"},
        "firstName": {"type": "string", "minLength": 1, "maxLength": 100},
        "lastName": {"type": "string", "minLength": 1, "maxLength": 100},
        "contactEmail": {
            "type": "string",
            "minLength": 3,
            "maxLength": 255,
            "format": "email",
            "pattern": EMAIL_PATTERN,
        },
    },
    "required": ["userId", "firstName", "lastName", "contactEmail"],
    "additionalProperties": False,
}
DETAIL = {
    "type": "object",
    "properties": {
        "field": {"type": "string"},
        "reason": {"type": "string"},
        "location": {"enum": ["query", "path", "body"]},
    },
    "required": ["field", "reason", "location"],
    "additionalProperties": False,
}
ERROR = {
    "type": "object",
    "properties": {
        "code": {
            "enum": [
                "INVALID_FIELD",
                "MISSING_REQUIRED_FIELD",
                "UNAUTHORIZED",
                "FORBIDDEN",
                "RESOURCE_NOT_FOUND",
                "RATE_LIMIT_EXCEEDED",
                "SERVER_ERROR",
            ]
        },
        "message": {"type": "string", "minLength": 1},
        "details": {"type": "array", "items": DETAIL, "minItems": 1},
        "requestId": {"type": "string", "pattern": r"^req-[0-9a-f-]{36}$"},
    },
    "required": ["code", "message", "requestId"],
    "additionalProperties": False,
}
UNAUTHORIZED = {"code": "UNAUTHORIZED", "message": "Authentication is required to access this resource"}
FORBIDDEN = {"code": "FORBIDDEN", "message": "You do not have permission to access this resource"}
NOT_FOUND = {"code": "RESOURCE_NOT_FOUND", "message": "The requested resource could not be found"}
SERVER_ERROR = {"code": "SERVER_ERROR", "message": "An unexpected error occurred. Please try again later"}
LIMITS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")

JOHN = {"firstName": "John", "lastName": "Doe", "contactEmail": "john.doe@example.com"}

_user, _error = (Draft202012Validator(schema, format_checker=FormatChecker()) for schema in (USER, ERROR))


def user_of(answer: Any, status: int = 200) -> dict[str, Any]:
    """The user in an answer of that status, which satisfies the schema."""
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
    told: dict[str, Any] = answer.json()
    _user.validate(told)
    return told


def users_of(answer: Any) -> list[dict[str, Any]]:
    """The users in a list, each of which satisfies the schema; beside them there is nothing."""
    assert (answer.status_code, answer["Content-Type"], list(answer.json())) == (200, "application/json", ["users"])
    told: list[dict[str, Any]] = answer.json()["users"]
    for user in told:
        _user.validate(user)
    return told


def refusal_of(answer: Any) -> tuple[int, dict[str, Any]]:
    """Status and body of a refusal in the contract's shape; without the request's id, which the header tells, too."""
    assert answer["Content-Type"] == "application/json"
    told: dict[str, Any] = answer.json()
    _error.validate(told)
    assert told.pop("requestId") == answer["X-Request-ID"]
    return answer.status_code, told


def invalid(message: str, *details: tuple[str, str], location: str = "body") -> tuple[int, dict[str, Any]]:
    """What `refusal_of` gives for invalid values; details: fields and reasons."""
    told = [{"field": field, "reason": reason, "location": location} for field, reason in details]
    return 400, {"code": "INVALID_FIELD", "message": message, **({"details": told} if told else {})}


def missing(*fields: str) -> tuple[int, dict[str, Any]]:
    """What `refusal_of` gives where properties are missing and nothing else is wrong."""
    told = [{"field": field, "reason": "Is required", "location": "body"} for field in fields]
    return 400, {
        "code": "MISSING_REQUIRED_FIELD",
        "message": f"The `{fields[0]}` field is required.",
        "details": told,
    }
