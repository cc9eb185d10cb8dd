"""What the calls of this contract have in common (contract 2)."""

from collections.abc import Sequence

from rest_framework.authentication import BaseAuthentication
from rest_framework.parsers import BaseParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import BaseRenderer, JSONRenderer

from usermgmt.dialects.forms.authentication import TokenAuthentication
from usermgmt.dialects.forms.errors import MEDIA_TYPE
from usermgmt.http.negotiation import JSONAlways
from usermgmt.http.parsers import StrictJSONParser
from usermgmt.http.viewsets import Calls


class Renderer(JSONRenderer):
    """JSON under the contract's own media type, whatever the caller accepts."""

    media_type = MEDIA_TYPE


class FormCalls(Calls):
    """What the calls of this contract have in common."""

    authentication_classes: Sequence[type[BaseAuthentication]] = [TokenAuthentication]
    permission_classes = [IsAuthenticated]
    parser_classes: Sequence[type[BaseParser]] = [StrictJSONParser]
    renderer_classes: Sequence[type[BaseRenderer]] = [Renderer]
    content_negotiation_class = JSONAlways
