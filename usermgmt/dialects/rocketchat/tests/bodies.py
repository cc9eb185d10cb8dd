"""What clients send to make a user."""

from typing import Any

from rest_framework.test import APIClient

GOOD = {
    "email": "nina@example.com",
    "name": "Nina New",
    "password": "a password nobody has",
    "username": "nina",
}
PATH = "/api/v1/users.create"


def create(client: APIClient, **values: Any) -> Any:
    """The answer to a call that makes Nina; values: sent beside, or instead."""
    return client.post(PATH, {**GOOD, **values})
