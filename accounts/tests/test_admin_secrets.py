"""No page of the admin site shows a password, a hash, a token or what a token is known by."""

import re

from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import Event, SignIn, User
from accounts.services import custom_fields, record_types, records, roles, teams, users
from accounts.tests.callers import api_token_of, tokens_of


def pages(patterns, prefix=""):
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from pages(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield prefix + str(pattern.pattern), pattern.name


def test_no_secret_is_on_any_page(cast, staff):
    browser = staff(cast.administrator)
    tokens = tokens_of(cast.owner)
    users.update(actor=cast.administrator, user_id=cast.stranger.pk, password="a quite different passphrase")
    secrets = {user.password for user in User.objects.all()} | {opened.jti for opened in SignIn.objects.all()}
    api_token, text = api_token_of(cast.owner)
    secrets |= {api_token.digest, text[-43:], tokens.access, tokens.refresh, "argon2", "a quite different passphrase"}
    team = teams.create(actor=None, client_id=cast.acme.pk, name="Sales")
    teams.add_member(actor=None, team_id=team.pk, user_id=cast.owner.pk)
    types = [
        record_types.create(actor=None, kind=kind, name="some") for kind in ("profile", "relationship", "transactable")
    ]
    sent = records.Records(
        profiles=[records.ProfileSent("some", {})],
        relationships=[records.RelationshipSent("some", cast.stranger.pk)],
        transactables=[records.TransactableSent("some")],
    )
    users.update(actor=None, user_id=cast.owner.pk, records=sent)
    numbers = {
        "apitoken": api_token.pk,
        "user": cast.owner.pk,
        "client": cast.acme.pk,
        "team": team.pk,
        "rolegroup": roles.create(actor=None, name="manager").pk,
        "customfield": custom_fields.create(actor=None, name="badge").pk,
        "recordtype": types[0].pk,
        "userprofile": cast.owner.profiles.get().pk,
        "relationship": cast.owner.relationships.get().pk,
        "transactable": cast.owner.transactables.get().pk,
        "event": Event.objects.all()[0].pk,
    }
    admin = next(p for p in get_resolver().url_patterns if isinstance(p, URLResolver) and str(p.pattern) == "admin/")
    seen = 0
    for path, name in pages(admin.url_patterns):
        if name == "logout":
            continue
        kind = next((kind for kind in numbers if f"_{kind}_" in name), "user")
        address = "/admin/" + re.sub(r"<[^>]*object_id>", str(numbers[kind]), path)
        if "<" in address or "(" in address:
            continue
        page = browser.get(address, follow=True).content.decode()
        seen += 1
        for secret in secrets:
            assert secret not in page, (address, secret)
    assert seen >= 54
    exported = browser.post(
        "/admin/accounts/user/",
        {"action": "export", "index": 0, "select_across": 1, "_selected_action": [cast.owner.pk]},
    ).getvalue()
    for secret in secrets:
        assert secret.encode() not in exported
