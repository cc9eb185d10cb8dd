"""What text the directory takes."""

import re
import unicodedata

_CONTROLS = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_CONTROL = re.compile(f"[{_CONTROLS}]")

LINE_PATTERN = rf"^[^{_CONTROLS}]*[^\s{_CONTROLS}][^{_CONTROLS}]*$"
"""What a name looks like once it is trimmed, for every reader of JSON Schema: no controls, and not only
spaces. `is_blank` knows more of what can't be seen than a portable pattern says."""


IDENTIFIER = r"\A[0-9A-Za-z._-]+\Z"
"""What names for programs look like: of users to sign in by, of roles, of custom fields. Any database reads it."""

_IDENTIFIER = re.compile(IDENTIFIER)


def is_identifier(text: str) -> bool:
    """Whether `text` has only what such names may have; length apart."""
    return _IDENTIFIER.match(text) is not None


def has_control_characters(text: str) -> bool:
    """Whether `text` has line breaks or other controls (Unicode category Cc, and U+2028, U+2029).

    Names go into mail headers, logs and CSV files, where those split records.
    """
    if text.isascii() and text.isprintable():  # most texts, and many times as quick to tell
        return False
    return _CONTROL.search(text) is not None


def is_blank(text: str) -> bool:
    """Whether there is nothing to see: only separators, controls and format characters (categories Z and C)."""
    if text[:1].isalnum():
        return False
    return all(unicodedata.category(character)[0] in "ZC" for character in text)
