"""The native contract's shape of a client."""

from typing import Any

from clients.models import Client


def to_client(client: Client) -> dict[str, Any]:
    """The client as the contract shows it."""
    return {"id": client.id, "name": client.name}
