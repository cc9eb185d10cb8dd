"""Users that tests need, whose password is `PASSWORD`, and their records."""

import factory

from accounts import passwords
from accounts.models import RecordType, Relationship, Transactable, User, UserProfile
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


class RecordTypeFactory(factory.django.DjangoModelFactory):
    """A type of profiles without definitions, unless said otherwise."""

    class Meta:
        model = RecordType

    kind = RecordType.Kind.PROFILE
    name = factory.Sequence(lambda n: f"type-{n}")


class UserProfileFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = UserProfile

    user = factory.SubFactory(UserFactory)
    type = factory.SubFactory(RecordTypeFactory)


class RelationshipFactory(factory.django.DjangoModelFactory):
    """A relationship to another user of the same client."""

    class Meta:
        model = Relationship

    user = factory.SubFactory(UserFactory)
    type = factory.SubFactory(RecordTypeFactory, kind=RecordType.Kind.RELATIONSHIP)
    related_user = factory.SubFactory(UserFactory, client=factory.SelfAttribute("..user.client"))


class TransactableFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Transactable

    user = factory.SubFactory(UserFactory)
    type = factory.SubFactory(RecordTypeFactory, kind=RecordType.Kind.TRANSACTABLE)
    name = factory.Sequence(lambda n: f"Item {n}")
