"""A name in two parts, for contracts that know no other; and of two parts, the name (resource contract 0)."""

MAX_LENGTH = 100  # characters of a part, as those contracts bound it


def in_parts(name: str, given: str, family: str) -> tuple[str, str]:
    """First and last name as they are shown: the parts that there are, else the name split at its first space; a
    name of one word is both. Never blank, never longer than `MAX_LENGTH`."""
    first, _, rest = name.strip().partition(" ")
    return (given or first)[:MAX_LENGTH], (family or rest.strip() or first)[:MAX_LENGTH]


def first_shown(name: str, given: str, family: str) -> str:
    """The first of the parts."""
    return in_parts(name, given, family)[0]


def last_shown(name: str, given: str, family: str) -> str:
    """The second of them."""
    return in_parts(name, given, family)[1]


def joined(given: str, family: str) -> str:
    """The name that two parts make."""
    return f"{given.strip()} {family.strip()}".strip()
