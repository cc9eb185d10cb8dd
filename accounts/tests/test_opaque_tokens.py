"""API tokens as text (DESIGN 2, "Tokens")."""

import hmac
import re

import pytest

from accounts import opaque_tokens

FORM = re.compile(r"um_([a-z0-9]{16})_([A-Za-z0-9]{43})")


def test_a_token_says_what_it_is_and_has_a_public_part_and_a_secret_of_256_bits():
    lookup, text = opaque_tokens.made()

    assert FORM.fullmatch(text)[1] == lookup == opaque_tokens.lookup_of(text)
    assert opaque_tokens.is_one(text)
    assert 62**opaque_tokens.SECRET_LENGTH > 2**256


def test_no_two_are_alike():
    made = [opaque_tokens.made() for _ in range(200)]

    assert len({lookup for lookup, _ in made}) == len({text[-43:] for _, text in made}) == 200


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1],
        lambda text: text + "a",
        lambda text: text + "\n",
        lambda text: text + "\0",
        lambda text: text.upper(),
        lambda text: text.replace("um_", "UM_"),
        lambda text: text.replace("_", "-"),
        lambda text: text[:19] + text[20:],
        lambda text: text[:-1] + "é",
        lambda text: text[:5] + "٣" + text[6:],
        lambda text: text * 300,
        lambda text: f"{text},{text}",
        lambda text: "um_",
        lambda text: "",
    ],
)
def test_what_has_not_the_form_has_no_public_part(change):
    assert opaque_tokens.lookup_of(change(opaque_tokens.made()[1])) is None


def test_the_digest_is_keyed(settings):
    _, text = opaque_tokens.made()
    digest = opaque_tokens.digest_of(text)
    settings.SECRET_KEY = "another key, of thirty-two bytes or more"

    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert opaque_tokens.digest_of(text) != digest
    assert not opaque_tokens.verified(text, digest)


def test_what_was_made_under_a_former_key_verifies(settings):
    _, text = opaque_tokens.made()
    digest = opaque_tokens.digest_of(text)
    settings.SECRET_KEY_FALLBACKS = ["an even older key, of thirty-two bytes", settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, of thirty-two bytes or more"

    assert opaque_tokens.verified(text, digest)
    assert opaque_tokens.verified(text, opaque_tokens.digest_of(text))


def test_only_the_very_token_verifies():
    _, text = opaque_tokens.made()
    other_secret = text[:-1] + ("a" if text[-1] != "a" else "b")
    other_lookup = opaque_tokens.made()[1][:20] + text[20:]
    digest = opaque_tokens.digest_of(text)

    assert opaque_tokens.verified(text, digest)
    assert not opaque_tokens.verified(other_secret, digest)
    assert not opaque_tokens.verified(other_lookup, digest)


def test_every_key_is_compared_in_constant_time_also_where_there_is_no_row(settings, monkeypatch):
    settings.SECRET_KEY_FALLBACKS = ["an older key, of thirty-two bytes at least"]
    compared = []
    compare = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append((len(a), len(b))) or compare(a, b))
    _, text = opaque_tokens.made()

    results = [opaque_tokens.verified(text, digest) for digest in (opaque_tokens.digest_of(text), "0" * 64, None)]

    assert results == [True, False, False]
    assert compared == [(64, 64)] * 6
