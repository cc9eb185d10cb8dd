"""If-Match: change only what the caller has seen (RFC 9110 13.1.1)."""

import re

from rest_framework.request import Request

_TAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|\Z)')


def known_versions(request: Request) -> frozenset[int] | None:
    """The versions in If-Match; None where there is no such header, or "*".

    Weak tags never match (strong comparison), nor do tags that we did not make.
    """
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    return frozenset(
        int(tag) for weak, tag in _TAG.findall(header) if not weak and tag.isascii() and tag.isdigit() and len(tag) < 10
    )
