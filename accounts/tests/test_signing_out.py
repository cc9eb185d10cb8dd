"""POST /users/{id}/sign_out (native contract 7)."""

from accounts.models import SignIn
from accounts.tests.callers import DEAD_TOKEN, is_signed_in, tokens_of
from accounts.tests.rows import stored


def test_every_token_of_the_user_is_dead(cast, call):
    pairs = [tokens_of(cast.owner), tokens_of(cast.owner)]

    answer = call(cast.administrator).post(f"/users/{cast.owner.pk}/sign_out")

    assert (answer.status_code, answer.content) == (204, b"")
    for tokens in pairs:
        assert not is_signed_in(call(), tokens.access)
        assert call().post("/auth/token/refresh", {"refresh": tokens.refresh}).json() == DEAD_TOKEN
    assert not SignIn.objects.filter(user=cast.owner, ended_at=None).exists()


def test_everyone_signs_oneself_out_and_has_to_sign_in_again(cast, call):
    client = call(cast.owner)

    assert client.post(f"/users/{cast.owner.pk}/sign_out").status_code == 204

    assert client.post(f"/users/{cast.owner.pk}/sign_out").status_code == 401
    assert is_signed_in(call(), tokens_of(type(cast.owner).objects.get(pk=cast.owner.pk)).access)


def test_nobody_else_is_signed_out(cast, call):
    others = {user.pk: tokens_of(user).access for user in (cast.stranger, cast.outsider, cast.administrator)}

    call(cast.administrator).post(f"/users/{cast.owner.pk}/sign_out")

    assert all(is_signed_in(call(), access) for access in others.values())


def test_the_user_stays_as_it_was(cast, call):
    before = stored(cast.owner)

    call(cast.administrator).post(f"/users/{cast.owner.pk}/sign_out")

    assert stored(cast.owner) == before | {"token_version": 2}


def test_a_user_who_is_nowhere_signed_in_is_signed_out_all_the_same(cast, call):
    assert call(cast.administrator).post(f"/users/{cast.disabled.pk}/sign_out").status_code == 204


def test_no_body_is_read(cast, call):
    answer = call(cast.administrator).generic(
        "POST", f"/users/{cast.owner.pk}/sign_out", "{not JSON", content_type="text/plain"
    )

    assert answer.status_code == 204


def test_a_user_that_is_not_there_is_not_found(cast, call):
    answer = call(cast.administrator).post("/users/987654321/sign_out")

    assert (answer.status_code, answer.json()) == (404, {"error": "User not found"})
