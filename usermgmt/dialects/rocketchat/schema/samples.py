"""The samples of the document: those of the product's own page on users.create (seed), with true booleans."""

from typing import Any

NEW_USER: dict[str, Any] = {
    "name": "Test User",
    "email": "email@user.tld",  # the page has a digit in the domain's last label, where the directory takes none
    "password": "anypassyouwant",
    "username": "uniqueusername1",
    "active": True,
    "nickname": "testusername",
    "bio": "All about the user",
    "joinDefaultChannels": True,
    "statusText": "On a vacation",
    "roles": ["bot"],
    "requirePasswordChange": False,
    "setRandomPassword": False,
    "sendWelcomeEmail": False,
    "verified": False,
    "customFields": {"clearance": "High", "team": "Queen"},
}

USER: dict[str, Any] = {
    "_id": "123",
    "createdAt": "2016-09-13T14:57:56.037Z",
    "username": "uniqueusername",
    "emails": [{"address": "email@user.tld", "verified": False}],
    "type": "user",
    "status": "offline",
    "active": True,
    "roles": ["user"],
    "_updatedAt": "2016-09-13T14:57:56.175Z",
    "name": "name",
    "settings": {},
}

REGISTERED = {key: USER[key] for key in ("_id", "username", "type", "status", "active", "name")}
"""The same, for a caller who may not see all of users."""
