"""The directory's one rule for e-mail addresses (DESIGN 2, "E-mail")."""

import re

import idna

from usermgmt.columns import fold

MIN_LENGTH = 3
MAX_LENGTH = 255

# The resource contract's pattern, and no dot first, last or doubled in the local part, no empty label
# and none that begins or ends with a hyphen. All ASCII, so no control or invisible characters.
FORM = (
    r"\A[a-zA-Z0-9_%+-]+(\.[a-zA-Z0-9_%+-]+)*"
    r"@([a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?\.)+[a-zA-Z]{2,}\Z"
)
_FORM = re.compile(FORM)

RESERVED_DOMAIN = "erased.invalid"  # of those who were erased; no mail reaches it (RFC 2606 2)


def has_form(email: str) -> bool:
    """Whether the (trimmed) address has the directory's form; length apart."""
    return _FORM.match(email) is not None


def is_reserved(email: str) -> bool:
    """Whether the address is one that nobody may have, as it stands for an erased person."""
    return canonical(email).rpartition("@")[2] == RESERVED_DOMAIN


def canonical(email: str) -> str:
    """What makes two spellings one address: trimmed, NFKC, casefold, IDNA domain (UTS 46).

    Takes any text, also what has no form: then the result equals no stored address.
    """
    trimmed = email.strip()
    if len(trimmed) > MAX_LENGTH:
        return trimmed  # no address; NFKC of a megabyte of combining marks would take minutes
    if trimmed.isascii():
        return trimmed.lower()
    folded = fold(trimmed).strip()
    local, at, domain = folded.rpartition("@")
    if domain.isascii():
        return folded
    try:
        return local + at + idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return folded
