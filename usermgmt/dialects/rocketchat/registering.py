"""Making an account for oneself (contract 4)."""

from django.conf import settings
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiToken, User
from accounts.services import users
from usermgmt.dialects.rocketchat import projection, rules, serializers
from usermgmt.dialects.rocketchat.authentication import TokenPairAuthentication
from usermgmt.dialects.rocketchat.calls import RocketChatCalls, succeeded
from usermgmt.dialects.rocketchat.errors import failed, refused, saving
from usermgmt.dialects.rocketchat.mapping import from_registration
from usermgmt.dialects.rocketchat.refusals import REGISTERING
from usermgmt.dialects.rocketchat.schema.writing import REGISTRATION_CALLS
from usermgmt.dialects.rocketchat.showing import shown
from usermgmt.http import limits
from usermgmt.http.limits import Limit
from usermgmt.http.schema import documented
from usermgmt.origin import current

REGISTRATIONS = Limit("registrations", 20, 3600)
"""Tried from one address: the product tells which e-mail addresses there are, but nobody is to try them all."""


class IfLoggedIn(TokenPairAuthentication):
    """The user of both headers; whoever has none that are good is nobody."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        try:
            return super().authenticate(request)
        except AuthenticationFailed:
            return None


@documented(**REGISTRATION_CALLS)
class RegistrationViewSet(RocketChatCalls):
    """Register. Open to anyone, where the operator says so."""

    kind = "user"
    authentication_classes = [IfLoggedIn]
    permission_classes = [AllowAny]

    def create(self, request: Request) -> Response:
        said = serializers.read(request.data, serializers.USERS_REGISTER)
        wanted = projection.parsed(request.query_params.get("fields"))
        if request.auth is not None:
            raise failed("Logged in users can not register again.")
        if not settings.ROCKETCHAT_REGISTRATION:
            details = {"method": "registerUser"}
            raise refused("error-user-registration-disabled", "User registration is disabled", details)
        standing = limits.take(REGISTRATIONS, current().network)
        sent, faults = from_registration(said)
        faults += rules.faults_of(None, sent, administrator=False)
        with saving(said, action="Adding_user", forbidden="Adding user is not allowed", table=REGISTERING):
            user = users.create(actor=None, password_policy=rules.policy_of_changes(), reported=faults, **sent)
        answer = succeeded(user=projection.project(shown(None, [user])[0], wanted))
        return self.telling(answer, standing.quota)
