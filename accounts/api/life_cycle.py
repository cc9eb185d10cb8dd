"""The native contract's calls on links in mails: resets, proofs, invitations (native contract 7)."""

from django.conf import settings
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import emails, permissions
from accounts.api.schema.life_cycle import HOLDER_CALLS, LINK_CALLS
from accounts.api.serializers import AddressReader, ChosenPasswordReader, ProofReader
from accounts.services import checks, life_cycle, mails
from usermgmt.errors import raise_all
from usermgmt.http import limits
from usermgmt.http.ids import id_of
from usermgmt.http.schema import documented
from usermgmt.http.viewsets import Calls, actor_of
from usermgmt.origin import current

HOUR = 3600  # seconds
RESETS_OF_ONE_ADDRESS = limits.Limit("resets", 300, HOUR)
"""Asked for from one address, whatever the accounts: nobody fills the queue with accounts that are not there."""


def mails_of(email: str) -> limits.Standing:
    """Count a mail that somebody asks for; raises TooManyRequests. Alike for addresses that nobody has."""
    return limits.take(limits.Limit("mails", settings.MAILS_PER_HOUR, HOUR), emails.canonical(email))


@documented(**HOLDER_CALLS)
class HolderViewSet(Calls):
    """Ask for a reset, and use what came by mail. Open to anyone: the token is the credential."""

    kind = "user"
    authentication_classes = []
    permission_classes = [AllowAny]

    def reset(self, request: Request) -> Response:
        values, unreadable = AddressReader.read(request.data)
        email = emails.canonical(values.get("email", ""))
        raise_all(unreadable, checks.email_form(email))
        standings = [limits.take(RESETS_OF_ONE_ADDRESS, current().network), mails_of(email)]
        mails.request_reset(email=email)
        return self.telling(Response({}, status=status.HTTP_202_ACCEPTED), limits.nearest(standings).quota)

    def confirm_reset(self, request: Request) -> Response:
        values, unreadable = ChosenPasswordReader.read(request.data)
        sent = dict.fromkeys(("token", "password", "password_confirmation"), "") | values
        life_cycle.choose_password(**sent, reported=unreadable)
        return Response({})

    def verify_email(self, request: Request) -> Response:
        values, unreadable = ProofReader.read(request.data)
        life_cycle.verify_email(token=values.get("token", ""), reported=unreadable)
        return Response({})


@documented(**LINK_CALLS)
class LinkViewSet(Calls):
    """Send a user the mail with the link."""

    kind = "user"
    permission_by_action = {
        "invite": permissions.AdministersUsers,
        "ask_for_proof": permissions.UpdatesUser,
    }

    def invite(self, request: Request, id: str) -> Response:
        mails.request_invitation(actor=actor_of(request), user_id=id_of(id, "user"))
        return Response({}, status=status.HTTP_202_ACCEPTED)

    def ask_for_proof(self, request: Request, id: str) -> Response:
        actor, user_id = actor_of(request), id_of(id, "user")
        # Asked first: what is refused is no mail, and is not counted as one.
        standing = mails_of(mails.whose_proof(actor=actor, user_id=user_id).email)
        mails.request_verification(actor=actor, user_id=user_id)
        return self.telling(Response({}, status=status.HTTP_202_ACCEPTED), standing.quota)
