"""`DELETE /api/users/{id}` (contract 0 and 1)."""

import pytest

from accounts.models import Event, User
from accounts.services import users
from accounts.tests.callers import caller
from accounts.tests.rows import unchanged
from usermgmt.dialects.forms.tests.forms import configured, errors_of, made, program, seated

FORBIDDEN = {"base": ["You are not allowed to do this"]}
NOT_FOUND = {"base": ["Not found"]}


def is_there(user):
    return User.objects.filter(pk=user.pk).exists()


@pytest.mark.parametrize("ending", ["", ".json"])
def test_a_user_is_deleted_for_good_from_every_contract(cast, administrator, ending):
    answer = administrator.delete(f"/api/users/{cast.owner.pk}{ending}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert not is_there(cast.owner)
    event = Event.objects.get(action="user.deleted")
    assert (event.actor_id, event.target_id, event.contract) == (cast.administrator.pk, cast.owner.pk, "forms")
    assert errors_of(administrator.delete(f"/api/users/{cast.owner.pk}{ending}"), 404) == NOT_FOUND
    assert caller(cast.administrator).get(f"/users/{cast.owner.pk}").status_code == 404


def test_records_go_with_the_user(cast, administrator):
    name = configured({"profiles": {"default": {"properties": {"a": {}}}}})
    form = {"first_name": "A", "email": "a@example.com", "password": "securepassword"}
    form |= {"profiles": {"default": {"properties": {"a": 1}}}}
    user = made(administrator.post("/api/users", {"form_configuration_name": name, "form": form}))
    profile = user.profiles.get()
    assert administrator.delete(f"/api/users/{user.pk}").status_code == 204
    assert not type(profile).objects.exists()


@pytest.mark.parametrize("number", ["987654321", "0", "-1", "abc", "1.0", "9" * 30, "%00", "%D9%A1", "%20"])
def test_nobody_s_number_is_not_found(cast, administrator, number):
    with unchanged():
        assert errors_of(administrator.delete(f"/api/users/{number}"), 404) == NOT_FOUND


def test_a_body_and_a_query_do_not_matter(cast, administrator):
    path = f"/api/users/{cast.owner.pk}?form_configuration_name=nope"
    assert administrator.generic("DELETE", path, "{not JSON", content_type="application/json").status_code == 204


def test_a_regular_user_deletes_nobody_not_even_the_own_record(cast, administrator):
    for client in (program(cast.owner), seated(administrator, cast.owner)):
        for number in (cast.owner.pk, cast.stranger.pk, cast.outsider.pk, cast.administrator.pk, 987654321):
            assert errors_of(client.delete(f"/api/users/{number}"), 403) == FORBIDDEN
    assert User.objects.count() == 6
    event = Event.objects.latest("id")
    assert (event.action, event.actor_id, event.contract) == ("change.refused", cast.owner.pk, "forms")


def test_the_last_administrator_stays(cast, administrator):
    assert administrator.delete(f"/api/users/{cast.spare.pk}").status_code == 204
    with unchanged():
        answer = administrator.delete(f"/api/users/{cast.administrator.pk}")
        assert list(errors_of(answer)) == ["base"]
    users.create(actor=None, name="New", email="new@example.com", client_id=None)
    assert administrator.delete(f"/api/users/{cast.administrator.pk}").status_code == 204
    assert errors_of(administrator.delete(f"/api/users/{cast.owner.pk}"), 401)


def test_a_bound_token_deletes_nobody_outside_of_its_client_nor_its_owner(cast, administrator):
    client = program(cast.administrator, client=cast.acme)
    with unchanged():
        for user in (cast.outsider, cast.spare):
            assert errors_of(client.delete(f"/api/users/{user.pk}"), 404) == NOT_FOUND
    assert errors_of(client.delete(f"/api/users/{cast.administrator.pk}"), 403) == FORBIDDEN
    assert client.delete(f"/api/users/{cast.owner.pk}").status_code == 204
    assert (is_there(cast.owner), is_there(cast.outsider), is_there(cast.administrator)) == (False, True, True)
