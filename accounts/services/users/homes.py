"""Of which client a user is to be."""

from enum import Enum
from typing import Final

from clients.models import Client
from clients.services import default_client
from usermgmt.actor import Actor
from usermgmt.errors import Fault
from usermgmt.statements import Statement


class Home(Enum):
    """The type of `HOME`: the client for users of a contract that knows no clients, which is never none."""

    HOME = "home"


HOME: Final = Home.HOME
NO_SUCH_CLIENT = Fault("client", "must_exist")
NOT_YET = 0  # the number of the default client before there is one; no client has it
_CLIENT: Final[Statement[Client]] = Statement(lambda client_id: Client.objects.filter(pk=client_id), client_id=int)


def client_of(actor: Actor | None, client_id: int | Home | None) -> tuple[Client | None, list[Fault]]:
    """The client that is meant (None: none), or the fault that there is no such client.

    The directory's default one, which is made on first use, is unsaved before.
    """
    if isinstance(client_id, Home):
        bound = None if actor is None else actor.scope_id or actor.client_id
        if bound is None:
            return default_client.present(), []
        client_id = bound
    if client_id is None:
        return None, []
    client = _CLIENT.one(client_id=client_id)
    return client, [] if client is not None else [NO_SUCH_CLIENT]
