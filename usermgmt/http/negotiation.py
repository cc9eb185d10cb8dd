"""JSON, whatever the caller says to accept: contracts that know no 406."""

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request


class JSONAlways(DefaultContentNegotiation):
    """Never 406."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[Any, str]:
        return renderers[0], JSONRenderer.media_type
