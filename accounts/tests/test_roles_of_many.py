"""The roles of many users are read in one query, and are those of each."""

from django.contrib.auth.models import Group

from accounts import roles
from accounts.models import User
from accounts.tests.factories import AdministratorFactory, UserFactory


def test_roles_that_were_read_are_those_of_each_user(db, django_assert_num_queries):
    users = [UserFactory(), UserFactory(), UserFactory(), AdministratorFactory()]
    guest, bot = Group.objects.get(name="guest"), Group.objects.get(name="bot")
    users[1].groups.add(guest, bot)
    users[2].groups.add(bot)
    users[3].groups.add(guest)
    one_by_one = [(roles.given_to(user), roles.of(user)) for user in users]

    read = list(User.objects.order_by("id"))
    with django_assert_num_queries(1):
        roles.read_of(read)
        assert [(roles.given_to(user), roles.of(user)) for user in read] == one_by_one

    assert one_by_one[0] == ([], ["user"])
    assert one_by_one[1] == (["bot", "guest"], ["bot", "guest"])
    assert one_by_one[3] == (["guest"], ["admin", "guest"])


def test_nobody_s_roles_cost_nothing(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        roles.read_of([])


def test_roles_are_read_anew_whenever_users_are_shown(db):
    user = User.objects.get(pk=UserFactory().pk)
    roles.read_of([user])
    user.groups.add(Group.objects.get(name="bot"))
    roles.read_of([user])
    assert roles.given_to(user) == ["bot"]
