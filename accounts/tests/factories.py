"""Users that tests need; their password is `PASSWORD`."""

import factory

from accounts import passwords
from accounts.models import User
from clients.tests.factories import ClientFactory

PASSWORD = "correct horse battery staple"


class UserFactory(factory.django.DjangoModelFactory):
    """A regular user, of a client made along unless one is given."""

    class Meta:
        model = User

    name = factory.Sequence(lambda n: f"Person {n}")
    email = factory.Sequence(lambda n: f"person{n}@example.com")
    username = factory.LazyAttribute(lambda user: user.email.partition("@")[0])
    client = factory.SubFactory(ClientFactory)
    is_superuser = factory.LazyAttribute(lambda user: user.client is None)
    password = factory.LazyFunction(lambda: passwords.hashed(PASSWORD))


class AdministratorFactory(UserFactory):
    """A user of no client."""

    client = None
