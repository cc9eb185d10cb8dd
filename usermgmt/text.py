"""What text the directory takes."""

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def has_control_characters(text: str) -> bool:
    """Whether `text` has line breaks or other controls (Unicode category Cc, and U+2028, U+2029).

    Names go into mail headers, logs and CSV files, where those split records.
    """
    return _CONTROL.search(text) is not None
