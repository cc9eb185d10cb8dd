"""Sessions: a person signs in to a program, and out again (contract 0 and 1)."""

from typing import cast

from rest_framework import status
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import door
from accounts.services import logins
from usermgmt.dialects.forms import asking, policies, submitting
from usermgmt.dialects.forms.authentication import COOKIE, Credentials, TokenAuthentication, delete_cookie, set_cookie
from usermgmt.dialects.forms.calls import FormCalls
from usermgmt.dialects.forms.compiled import Resource
from usermgmt.dialects.forms.schema.sessions import CALLS
from usermgmt.http.schema import documented
from usermgmt.http.viewsets import actor_of

TOKEN_NAME = "Session of a form"  # what staff see of it


@documented(**CALLS)
class SessionViewSet(FormCalls):
    """The way in, and the way out; where no session is open, none is closed."""

    kind = "token"
    signs_out = ("destroy",)

    def get_authenticators(self) -> list[BaseAuthentication]:
        # Who opens a session may come with the cookie of a former one, which may be long over.
        opens = self.request is not None and self.request.method == "POST"
        return [TokenAuthentication(of_sessions=not opens)]

    def create(self, request: Request) -> Response:
        actor = actor_of(request)
        configuration = asking.configuration_of(request.data, Resource.SESSION)
        form = asking.form_of(request.data)
        place = policies.client_of(actor)
        policies.check(configuration.policies, actor, place)
        email, password = submitting.credentials(configuration, form)

        with door.attempt(email) as attempt:
            _, token = logins.log_in(email=email, password=password, name=TOKEN_NAME, client_id=place)
        logins.close(token=request.COOKIES.get(COOKIE, ""))  # a browser has one
        return self.telling(set_cookie(Response({}, status=status.HTTP_201_CREATED), token), attempt.quota)

    def destroy(self, request: Request) -> Response:
        actor = actor_of(request)
        said = request.query_params if asking.names_one(request.query_params) else request.data
        if asking.names_one(said):
            configuration = asking.configuration_of(said, Resource.SESSION)
            policies.check(configuration.policies, actor, policies.client_of(actor))
        credentials = cast(Credentials, request.auth)
        if credentials.session is not None:
            logins.log_out(actor=actor, token=credentials.session)
        return delete_cookie(Response(status=status.HTTP_204_NO_CONTENT))
