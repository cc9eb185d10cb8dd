"""What callers say to accept: JSON is all there is."""

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request


class JSONOnly(DefaultContentNegotiation):
    """As DRF negotiates (406 for whoever accepts no JSON). The usual words are known at sight: to weigh them costs more
    than to find the caller's rights."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[Any, str]:
        if request.META.get("HTTP_ACCEPT", "*/*") in ("*/*", renderers[0].media_type):
            return renderers[0], renderers[0].media_type
        chosen: tuple[Any, str] = super().select_renderer(request, renderers, format_suffix)
        return chosen


class JSONAlways(DefaultContentNegotiation):
    """Never 406: for contracts that do not know it."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[Any, str]:
        return renderers[0], JSONRenderer.media_type
