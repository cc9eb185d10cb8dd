"""A name in two parts, for contracts that know no other; and of two parts, the name (resource contract 0)."""

from usermgmt.text import is_blank

MAX_LENGTH = 100  # characters of a part, as those contracts bound it


def in_parts(name: str, given: str, family: str) -> tuple[str, str]:
    """First and last name as they are shown: the parts that there are, else the name split at its first space; a
    name of one word is both. Never empty, never longer than `MAX_LENGTH`."""
    return first_shown(name, given, family), last_shown(name, given, family)


def first_shown(name: str, given: str, family: str) -> str:
    """The first of the parts."""
    word, rest = _split(name)
    return _first_seen(given, word, rest, name)


def last_shown(name: str, given: str, family: str) -> str:
    """The second of them."""
    word, rest = _split(name)
    return _first_seen(family, rest, word, name)


def joined(given_name: str, family_name: str) -> str:
    """The name that two parts make."""
    return f"{given_name.strip()} {family_name.strip()}".strip()


def _split(name: str) -> tuple[str, str]:
    word, _, rest = name.strip().partition(" ")
    return word, rest.strip()


def _first_seen(*texts: str) -> str:
    """The first one of which there is anything to see, as much of it as is shown; else the last."""
    for text in texts:
        if text and not is_blank(text):
            return _cut(text)
    return texts[-1][:MAX_LENGTH]


def _cut(text: str) -> str:
    """As much of it as is shown, and there is something to see; there is in the whole."""
    if len(text) <= MAX_LENGTH:
        return text
    if not is_blank(text[:MAX_LENGTH]):
        return text[:MAX_LENGTH]
    start = next(position for position, character in enumerate(text) if not is_blank(character))
    return text[start : start + MAX_LENGTH]
