"""Numbers in paths: text that may be anything until it is looked at."""

import re

from usermgmt.errors import NotFound

_ID = re.compile(r"[1-9][0-9]{0,18}\Z")
MAX_ID = 2**63 - 1  # of a bigint column, in either database


def is_id(text: str) -> bool:
    """Whether `text` can be the number of a row: plain decimal, within a bigint."""
    return _ID.match(text) is not None and int(text) <= MAX_ID


def id_of(text: str, kind: str) -> int:
    """The number in a path; raises NotFound of that kind for what can't be one."""
    if not is_id(text):
        raise NotFound(kind)
    return int(text)
