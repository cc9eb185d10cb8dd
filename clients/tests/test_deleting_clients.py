"""DELETE /clients/{id} (native contract 4)."""

import pytest

from accounts.models import User
from clients.models import Client
from clients.tests.factories import ClientFactory

HAS_USERS = {"errors": {"base": ["can't be deleted while it has users"]}}


def test_a_client_without_users_is_gone_for_good(cast, call):
    made = ClientFactory()

    answer = call(cast.administrator).delete(f"/clients/{made.pk}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert set(Client.objects.all()) == {cast.acme, cast.globex}
    assert call(cast.administrator).delete(f"/clients/{made.pk}").json() == {"error": "Client not found"}


def test_one_that_has_users_stays_and_its_users_never_become_administrators(cast, call):
    before = list(User.objects.order_by("id").values())

    for client in (cast.acme, cast.globex):
        answer = call(cast.administrator).delete(f"/clients/{client.pk}")
        assert (answer.status_code, answer.json()) == (422, HAS_USERS)

    assert Client.objects.count() == 2
    assert list(User.objects.order_by("id").values()) == before


def test_an_inactive_user_is_one_too(cast, call):
    User.objects.filter(client=cast.acme).exclude(pk=cast.disabled.pk).delete()

    assert call(cast.administrator).delete(f"/clients/{cast.acme.pk}").json() == HAS_USERS


def test_a_client_can_go_once_its_last_user_did(cast, call):
    client = call(cast.administrator)
    client.delete(f"/users/{cast.outsider.pk}")

    assert client.delete(f"/clients/{cast.globex.pk}").status_code == 204


@pytest.mark.parametrize(("tag", "status"), [('"1"', 204), ("*", 204), ('"2"', 412), ('W/"1"', 412), ("garbage", 412)])
def test_the_tag_is_honoured(cast, call, tag, status):
    made = ClientFactory()

    answer = call(cast.administrator).delete(f"/clients/{made.pk}", headers={"If-Match": tag})

    assert answer.status_code == status
    assert Client.objects.filter(pk=made.pk).exists() is (status == 412)


def test_a_stale_tag_is_told_before_that_there_are_users(cast, call):
    answer = call(cast.administrator).delete(f"/clients/{cast.acme.pk}", headers={"If-Match": '"7"'})

    assert (answer.status_code, answer.headers["ETag"]) == (412, '"1"')
