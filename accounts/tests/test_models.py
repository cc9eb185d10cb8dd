"""What the database itself refuses, by raw writes that no service looked at; and the error it becomes."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from accounts.models import RecordType, Relationship, Transactable, User, UserProfile
from accounts.services import checks, users
from accounts.tests.factories import (
    AdministratorFactory,
    RelationshipFactory,
    TransactableFactory,
    UserFactory,
    UserProfileFactory,
)
from clients.models import Client
from clients.tests.factories import ClientFactory
from usermgmt.errors import Fault, Invalid
from usermgmt.integrity import broken_constraint, is_foreign_key, refusals


def raw(**values) -> User:
    """A row to insert past every service; a sound one unless said otherwise. client: one, or its name."""
    user = UserFactory.build(client=None, is_superuser=True, password="!")
    if isinstance(values.get("client"), str):
        values["client"] = Client.objects.get(name=values["client"])
    for column, value in values.items():
        setattr(user, column, value)
    return user


def refused(work) -> IntegrityError:
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        work()
    return refusal.value


# Each constraint: how an insert and an update break it, and the fault that the service makes of it
BROKEN = {
    "user_email_unique": (
        {"email": "Olga@EXAMPLE.com"},
        {"email_canonical": "olga@example.com"},
        Fault("email", "taken"),
    ),
    "user_username_unique": ({"username": "OLGA"}, {"username_canonical": "olga"}, Fault("username", "taken")),
    "user_email_form": ({"email": "no address"}, {"email": "a@b"}, Fault("email", "invalid")),
    "user_username_form": ({"username": "no name"}, {"username": ""}, Fault("username", "invalid")),
    "user_name_not_blank": ({"name": " "}, {"name": ""}, Fault("name", "blank")),
    "user_external_id_unique": (
        {"external_id": "7", "client": "Acme", "is_superuser": False},
        {"external_id": "7"},
        Fault("external_id", "taken"),
    ),
    "user_external_id_unique_among_administrators": (
        {"external_id": "7"},
        {"external_id": "7", "client": None, "is_superuser": True},
        Fault("external_id", "taken"),
    ),
}


@pytest.fixture
def identified(cast):
    """The cast, of whom one of a client and one of none have an id elsewhere."""
    User.objects.filter(pk__in=[cast.owner.pk, cast.spare.pk]).update(external_id="7")
    return cast


@pytest.mark.parametrize("name", BROKEN)
def test_the_database_refuses_an_insert_and_names_the_constraint(identified, name):
    error = refused(lambda: User.objects.bulk_create([raw(**BROKEN[name][0])]))
    assert broken_constraint(error, User) == name
    assert not is_foreign_key(error)


@pytest.mark.parametrize("name", BROKEN)
def test_the_database_refuses_an_update_and_names_the_constraint(identified, name):
    error = refused(lambda: User.objects.filter(pk=identified.stranger.pk).update(**BROKEN[name][1]))
    assert broken_constraint(error, User) == name


@pytest.mark.parametrize("name", BROKEN)
def test_what_the_database_refuses_is_the_fault_that_the_check_makes(identified, name):
    inserted, _, fault = BROKEN[name]
    with pytest.raises(Invalid) as refusal, refusals(User, checks.CONSTRAINTS), transaction.atomic():
        User.objects.bulk_create([raw(**inserted)])
    assert refusal.value.faults == (fault,)


def test_every_constraint_of_a_user_is_tried_here_or_cannot_be_broken_by_a_service():
    names = {constraint.name for constraint in User._meta.constraints}
    assert names - BROKEN.keys() == {"user_administrator_has_no_client"}
    assert checks.CONSTRAINTS.keys() == BROKEN.keys()


@pytest.mark.parametrize(
    "values",
    [
        {"is_superuser": True, "client": "acme"},
        {"is_superuser": False, "client": None},
    ],
)
def test_the_role_and_the_client_cannot_disagree(cast, values):
    values = values | {"client": values["client"] and cast.acme}
    error = refused(lambda: User.objects.bulk_create([raw(**values)]))
    assert broken_constraint(error, User) == "user_administrator_has_no_client"
    for column, value in (("is_superuser", True), ("client", None)):
        error = refused(
            lambda column=column, value=value: User.objects.filter(pk=cast.owner.pk).update(**{column: value})
        )
        assert broken_constraint(error, User) == "user_administrator_has_no_client"
    for column, value in (("is_superuser", False), ("client", cast.acme)):
        error = refused(
            lambda column=column, value=value: User.objects.filter(pk=cast.administrator.pk).update(**{column: value})
        )
        assert broken_constraint(error, User) == "user_administrator_has_no_client"


@pytest.mark.parametrize("column", ["email", "username", "name", "password", "is_active", "version", "created_at"])
def test_no_column_may_be_null(cast, column):
    error = refused(lambda: User.objects.filter(pk=cast.owner.pk).update(**{column: None}))
    assert broken_constraint(error, User) is None
    with pytest.raises(IntegrityError), refusals(User, checks.CONSTRAINTS), transaction.atomic():
        User.objects.filter(pk=cast.owner.pk).update(**{column: None})


@pytest.mark.django_db(transaction=True)
def test_a_client_that_is_not_there_is_refused_as_such():
    """Foreign keys are looked at when the transaction ends."""
    fault = Fault("client", "must_exist")
    error = refused(lambda: User.objects.bulk_create([raw(client_id=999, is_superuser=False)]))
    assert is_foreign_key(error)
    with pytest.raises(Invalid) as refusal, refusals(User, checks.CONSTRAINTS, foreign_key=fault), transaction.atomic():
        User.objects.bulk_create([raw(client_id=999, is_superuser=False)])
    assert refusal.value.faults == (fault,)
    with pytest.raises(IntegrityError), refusals(User, checks.CONSTRAINTS), transaction.atomic():
        User.objects.bulk_create([raw(client_id=999, is_superuser=False)])
    assert User.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_client_that_has_users_stays_whoever_deletes_it():
    user = UserFactory()
    with pytest.raises(ProtectedError):
        user.client.delete()
    with connection.cursor() as cursor:
        error = refused(lambda: cursor.execute("DELETE FROM clients_client WHERE id = %s", [user.client_id]))
    assert is_foreign_key(error)
    assert Client.objects.get().pk == user.client_id


def test_what_is_no_broken_constraint_of_ours_passes_through(cast):
    with pytest.raises(IntegrityError), refusals(User, {}), transaction.atomic():
        User.objects.bulk_create([raw(email="olga@example.com")])
    with pytest.raises(KeyError), refusals(User, checks.CONSTRAINTS):
        raise KeyError("x")


def test_a_constraint_of_another_table_is_not_mistaken(cast):
    error = refused(lambda: Client.objects.bulk_create([Client(name="ACME")]))
    assert broken_constraint(error, Client) == "client_name_unique"
    with pytest.raises(IntegrityError), refusals(User, checks.CONSTRAINTS), transaction.atomic():
        Client.objects.bulk_create([Client(name="ACME")])


@pytest.mark.parametrize("name", ["user_email_unique", "user_username_unique"])
def test_a_race_that_the_check_did_not_see_ends_in_the_same_error_as_the_check(cast, monkeypatch, name):
    values = {"email": "olga@example.com"} if name == "user_email_unique" else {"username": "Olga"}
    sent = {"name": "New", "email": "new@example.com", "username": "new"} | values
    with pytest.raises(Invalid) as checked:
        users.create(actor=None, client_id=None, **sent)
    monkeypatch.setattr(checks, "faults_of", lambda *arguments: [])
    with pytest.raises(Invalid) as raced:
        users.create(actor=None, client_id=None, **sent)
    assert raced.value.faults == checked.value.faults == (BROKEN[name][2],)
    with pytest.raises(Invalid) as raced:
        users.update(actor=None, user_id=cast.stranger.pk, **values)
    assert raced.value.faults == (BROKEN[name][2],)


def test_the_database_refuses_records_that_no_service_writes(cast):
    profile, friend, item = UserProfileFactory(), RelationshipFactory(), TransactableFactory()
    broken = {
        "profile_unique": UserProfile(user=profile.user, type=profile.type),
        "relationship_unique": Relationship(user=friend.user, type=friend.type, related_user=friend.related_user),
        "relationship_of_two": Relationship(user=friend.user, type=friend.type, related_user=friend.user),
        "transactable_currency_form": Transactable(user=item.user, type=item.type, currency="usd"),
        "record_type_unique": RecordType(kind="profile", name=profile.type.name),
        "record_type_name_form": RecordType(kind="profile", name="a.b"),
    }
    for name, row in broken.items():
        assert broken_constraint(refused(row.save), type(row)) == name
    assert {str(row) for row in (profile, friend, item)} == {
        f"{profile.type.name} of {profile.user.email}",
        f"{friend.user.email}: {friend.type.name} {friend.related_user.email}",
        item.name,
    }


# The model itself


def test_staff_are_the_administrators_by_the_one_fact(db):
    assert (AdministratorFactory.build().is_staff, UserFactory.build(client=ClientFactory.build()).is_staff) == (
        True,
        False,
    )
    assert "is_staff" not in {field.name for field in User._meta.get_fields()}


def test_a_user_is_called_by_the_e_mail_and_the_name():
    user = User(name="Nina Simone", given_name="Nina", email="nina@example.com")
    assert (str(user), user.get_full_name(), user.get_short_name()) == ("nina@example.com", "Nina Simone", "Nina")
    assert User(name="Nina Simone").get_short_name() == "Nina Simone"


def test_no_secret_is_in_the_text_of_a_user(cast):
    assert cast.owner.password not in repr(cast.owner) + str(cast.owner)


def test_a_session_of_the_admin_site_dies_with_the_tokens_and_not_with_a_new_hash(cast):
    user = cast.administrator
    before = user.get_session_auth_hash()
    user.password = "another hash of the same password"
    assert user.get_session_auth_hash() == before
    user.token_version += 1
    assert user.get_session_auth_hash() != before
    assert AdministratorFactory().get_session_auth_hash() != before


# Which users there are


def test_administrators_see_everybody_and_others_themselves(cast):
    assert User.objects.visible_to(cast.administrator).count() == User.objects.count() == 6
    for user in (cast.owner, cast.outsider):
        assert list(User.objects.visible_to(user)) == [user]


@pytest.mark.parametrize("spelled", ["OLGA@Example.com", " olga@example.com ", "ｏｌｇａ@example.com"])
def test_a_user_is_found_by_any_spelling_of_the_address(cast, spelled):
    assert User.objects.with_email(spelled).get() == cast.owner
    assert User.objects.get_by_natural_key(spelled) == cast.owner


def test_a_user_is_found_by_the_user_name_in_any_case(cast):
    assert User.objects.with_username("oLGA").get() == cast.owner
    assert not User.objects.with_username("olg").exists()


def test_active_administrators_are_those_of_no_client_who_are_active(cast):
    AdministratorFactory(is_active=False)
    assert list(User.objects.active_administrators()) == [cast.administrator, cast.spare]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("olga", ["owner"]),
        ("OWNER", ["owner"]),
        ("TSI", ["outsider"]),
        ("@example.com", ["administrator", "spare", "owner", "stranger", "outsider", "disabled"]),
        ("ga ow", ["owner"]),
        ("owner\nolga", []),  # no column holds a line break
        ("owner olga", []),  # one column does not run into the next
        ("%", []),
        ("_", []),
        ("\\", []),
        ("'", []),
        ("ｏｌｇａ", ["owner"]),
    ],
)
def test_a_search_looks_at_any_part_of_name_address_and_user_name(cast, text, found):
    assert list(User.objects.matching(text).order_by("id")) == [getattr(cast, name) for name in found]


def test_a_search_finds_a_changed_address_and_a_changed_user_name(cast):
    users.update(actor=None, user_id=cast.owner.pk, email="moved@example.org", username="mover")
    for text in ("moved@", "mover"):
        assert list(User.objects.matching(text)) == [cast.owner]
    assert not User.objects.matching("olga@").exists()
