"""If-Match: change only what the caller has seen (RFC 9110 13.1.1)."""

import re

from django.utils.http import parse_etags
from rest_framework.request import Request

_OURS = re.compile(r'"([1-9][0-9]{0,9})"\Z')  # as `usermgmt.http.problems.etag` makes them


def known_versions(request: Request) -> frozenset[int] | None:
    """The versions in If-Match; None where there is no such header, or "*".

    Weak tags never match (strong comparison), nor do tags that we did not make.
    """
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    return frozenset(int(ours[1]) for tag in parse_etags(header) if (ours := _OURS.match(tag)))
