"""The default client: whose users are those of contracts that know no clients (DESIGN 2). Made on first use."""

from django.conf import settings

from clients.models import Client
from clients.services import clients
from usermgmt.actor import Actor
from usermgmt.errors import Invalid


def present() -> Client:
    """The client of the name in DEFAULT_CLIENT; an unsaved one as long as nobody has used it."""
    return Client.objects.named(settings.DEFAULT_CLIENT).first() or Client(name=settings.DEFAULT_CLIENT)


def made(*, actor: Actor | None) -> Client:
    """The same, made if need be, in the transaction of the caller."""
    client = present()
    if client.pk is not None:
        return client
    try:
        return clients.create(actor=actor, name=client.name)
    except Invalid:  # another request made it in the same moment
        return Client.objects.named(settings.DEFAULT_CLIENT).get()
