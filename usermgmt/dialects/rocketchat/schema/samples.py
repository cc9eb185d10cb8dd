"""The samples of the document: those beside the contract, of the product's own page on users.create (seed)."""

import json
from pathlib import Path
from typing import Any

_SAMPLES = Path(__file__).parent.parent / "samples"


def _sample(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((_SAMPLES / f"{name}.json").read_text())
    return value


NEW_USER = _sample("users.create.request")
USER: dict[str, Any] = _sample("users.create.response")["user"]
REGISTERED = {key: USER[key] for key in ("_id", "username", "type", "status", "active", "name")}
"""The same, for a caller who may not see all of users."""
