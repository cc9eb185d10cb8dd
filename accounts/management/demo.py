"""Believable people and companies for a demonstration: made by chance, the same for the same seed."""

import random
import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta

from accounts.services.bulk import Draft

COMPANIES_FIRST = (
    "Aurora", "Baltic", "Cedar", "Delta", "Ember", "Fjord", "Granite", "Harbour", "Indigo", "Juniper", "Kestrel",
    "Lumen", "Meridian", "Northwind", "Orchard", "Pioneer", "Quarry", "Riverside", "Summit", "Tidewater", "Umber",
    "Vanguard", "Willow", "Zenith",
)  # fmt: skip
COMPANIES_LAST = (
    "Analytics", "Bakery", "Clinics", "Consulting", "Energy", "Foods", "Freight", "Insurance", "Labs", "Logistics",
    "Media", "Motors", "Optics", "Partners", "Pharma", "Press", "Robotics", "Schools", "Software", "Textiles",
)  # fmt: skip
GIVEN_NAMES = (
    "Aisha", "Alejandro", "Amélie", "Anders", "Ángela", "Bartosz", "Beatriz", "Carlos", "Chiara", "Chen", "Daniel",
    "Dmitri", "Elif", "Emma", "Fatima", "Felix", "Grace", "Hana", "Hiroshi", "Ingrid", "Isabella", "Ivan", "Jamal",
    "Jane", "João", "John", "Kateryna", "Kwame", "Lars", "Leïla", "Liam", "Lucía", "Mahmoud", "María", "Mei",
    "Mohammed", "Nadia", "Noah", "Olga", "Omar", "Paula", "Pierre", "Priya", "Rahul", "Sofia", "Søren", "Tomáš",
    "Uma", "Viktor", "Wei", "Yara", "Yusuf", "Zoë",
)  # fmt: skip
FAMILY_NAMES = (
    "Abdi", "Andersen", "Bianchi", "Brown", "Carvalho", "Chen", "Díaz", "Doe", "Dubois", "Eriksson", "Fernández",
    "Fischer", "García", "Haddad", "Hansen", "Ivanova", "Jansen", "Johnson", "Kaya", "Kim", "Kowalski", "Kumar",
    "Lefèvre", "Li", "López", "Mensah", "Meyer", "Moreau", "Müller", "Nakamura", "Nguyễn", "Novák", "O'Brien",
    "Okafor", "Olsen", "Patel", "Petrov", "Rossi", "Santos", "Sato", "Schmidt", "Silva", "Singh", "Smith", "Suzuki",
    "Tanaka", "Thompson", "Van den Berg", "Wang", "Williams", "Yılmaz", "Żak",
)  # fmt: skip
_LETTERS = {"ø": "o", "ł": "l", "ı": "i", "ß": "ss", "đ": "d"}  # what NFKD does not take apart


def companies(count: int) -> list[str]:
    """That many names of companies, all different."""
    pairs = [f"{first} {last}" for last in COMPANIES_LAST for first in COMPANIES_FIRST]
    random.Random(0).shuffle(pairs)  # noqa: S311  # a demonstration, no secret
    return [pairs[n % len(pairs)] + (f" {n // len(pairs) + 1}" if n >= len(pairs) else "") for n in range(count)]


def people(
    count: int, *, first: int, clients: list[tuple[int, str]], now: datetime, password_hash: str | None
) -> Iterator[Draft]:
    """Users to be.

    first: the number in the first one's address; no two calls may share any. clients: (number, name).
    now: they were made in the two years before.
    """
    chance = random.Random(first)  # noqa: S311  # a demonstration, no secret
    for number in range(first, first + count):
        given, family = chance.choice(GIVEN_NAMES), chance.choice(FAMILY_NAMES)
        client_id, company = chance.choice(clients)
        yield Draft(
            name=f"{given} {family}",
            given_name=given,
            family_name=family,
            email=f"{_ascii(given)}.{_ascii(family)}.{number}@{_ascii(company)}.example",
            client_id=client_id,
            active=chance.random() < 0.95,
            email_verified=chance.random() < 0.8,
            password_hash=password_hash,
            created_at=now - timedelta(seconds=chance.randrange(2 * 365 * 24 * 3600)),
        )


def _ascii(text: str) -> str:
    """`text` as it stands in an address: ASCII letters and digits, hyphens between words."""
    plain = "".join(_LETTERS.get(letter, letter) for letter in text.lower())
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
