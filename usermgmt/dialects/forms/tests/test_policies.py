"""The authorization policies of a configuration: who may use it, and for whom (contract 0, 5 and 6.15)."""

import pytest

from accounts.models import Event, User
from accounts.tests.factories import PASSWORD
from accounts.tests.rows import everything
from usermgmt.dialects.forms import configurations, policies
from usermgmt.dialects.forms.models import FormConfiguration
from usermgmt.dialects.forms.tests.forms import EXAMPLE, OPEN, PRESENT, asked, changing, configured, errors_of, program
from usermgmt.errors import Invalid

REFUSED = {"base": ["You are not allowed to do this"]}
EVERYBODY = {"administrator", "bound", "owner"}
# Of each policy: whom it lets make a user; change oneself, another of the client, and one of another client; open a
# session. Bound: an administrator's token for Acme. To regular users others are not there, and nobody makes users but
# administrators, whatever a policy says.
TABLE = {
    "administrator": ({"administrator", "bound"}, EVERYBODY - {"owner"}, {"administrator", "bound"}),
    "authenticated": ({"administrator", "bound"}, EVERYBODY, EVERYBODY),
    "same_client": ({"bound"}, {"bound", "owner"}, {"bound", "owner"}),
    "nobody": (set(), set(), set()),
}


@pytest.fixture
def callers(cast, administrator):
    """A client for each kind of caller."""
    return {
        "administrator": administrator,
        "bound": program(cast.administrator, client=cast.acme),
        "owner": program(cast.owner),
    }


def refused(answer):
    """Whether a policy refused it; then the trail tells, once, and nothing else happened."""
    if answer.status_code != 403:
        return False
    assert errors_of(answer, 403) == REFUSED
    event = Event.objects.latest("id")
    assert (event.action, event.contract) == ("change.refused", "forms")
    return True


def test_every_policy_is_in_the_table():
    assert set(TABLE) == set(policies.POLICIES)


@pytest.mark.parametrize("policy", TABLE)
def test_each_policy_lets_make_users_whom_the_table_says(cast, callers, policy):
    name = configured(authorization_policies=[policy])
    for kind, client in callers.items():
        before = User.objects.count()
        answer = client.post("/api/users", asked(EXAMPLE | {"email": f"{kind}@example.com"}, name))
        assert refused(answer) == (kind not in TABLE[policy][0]), kind
        assert User.objects.count() - before == (kind in TABLE[policy][0])


@pytest.mark.parametrize("policy", TABLE)
def test_each_policy_lets_change_users_whom_the_table_says(cast, callers, policy):
    name = changing({"first_name": PRESENT}, authorization_policies=[policy])
    for kind, client in callers.items():
        answer = client.put(f"/api/users/{cast.owner.pk}", asked({"first_name": kind}, name))
        assert refused(answer) == (kind not in TABLE[policy][1]), kind
        cast.owner.refresh_from_db()
        assert (cast.owner.given_name == kind) == (kind in TABLE[policy][1])


@pytest.mark.parametrize("policy", TABLE)
def test_each_policy_lets_open_sessions_whom_the_table_says(cast, callers, policy):
    row = FormConfiguration.objects.get(name=OPEN)
    configurations.update(actor=None, configuration_id=row.pk, authorization_policies=[policy])
    form = {"email": "olga@example.com", "password": PASSWORD}
    for kind, client in callers.items():
        answer = client.post("/api/sessions", asked(form, OPEN))
        assert refused(answer) == (kind not in TABLE[policy][2]), kind
        assert (answer.status_code == 201) == bool(answer.cookies) == (kind in TABLE[policy][2])


def test_a_policy_may_keep_sessions_open(cast, callers):
    configurations.create(actor=None, name="stay", resource="Session", authorization_policies=["administrator"])
    for kind, client in callers.items():
        assert refused(client.delete("/api/sessions?form_configuration_name=stay")) == (kind == "owner")


def test_somebody_else_of_the_client_and_of_another_are_the_same_to_who_sees_them(cast, callers):
    """The client that counts is that of whoever is changed."""
    name = changing({"first_name": PRESENT}, authorization_policies=["same_client"])
    statuses = {
        (kind, target): client.put(
            f"/api/users/{getattr(cast, target).pk}", asked({"first_name": "Mike"}, name)
        ).status_code
        for kind, client in callers.items()
        for target in ("stranger", "outsider", "spare")
    }
    assert statuses == {
        ("administrator", "stranger"): 403,
        ("administrator", "outsider"): 403,
        ("administrator", "spare"): 403,
        ("bound", "stranger"): 204,
        ("bound", "outsider"): 404,
        ("bound", "spare"): 404,
        ("owner", "stranger"): 404,
        ("owner", "outsider"): 404,
        ("owner", "spare"): 404,
    }


FORMS = [{}, {"first_name": ""}, {"email": "olga@example.com", "password": "x"}, {"email": {"a": []}}]


def test_policies_come_before_owner_and_values_and_after_the_shape(cast, administrator):
    """Contract 5: 2 the configuration, 3 policies, 4 the owner, 6 values."""
    create = configured(authorization_policies=["nobody"])
    configurations.create(actor=None, name="own", fields={"first_name": PRESENT}, authorization_policies=["nobody"])
    before = everything()[:2]
    for form in FORMS:
        assert refused(administrator.post("/api/users", asked(form, create)))
        for target in (cast.owner.pk, cast.administrator.pk, 987654321, "abc"):
            assert refused(administrator.put(f"/api/users/{target}", asked(form, "own"))), target
    for shape in (asked(None, create), asked("x", create), asked({}, "nope")):
        assert administrator.post("/api/users", shape).status_code == 406
        assert administrator.put(f"/api/users/{cast.owner.pk}", shape).status_code == 406
    assert everything()[:2] == before


def test_a_refusal_is_in_the_audit_trail_with_whom_it_was_about(cast, administrator):
    name = changing({"first_name": {}}, authorization_policies=["nobody"])
    administrator.put(f"/api/users/{cast.owner.pk}", asked({"first_name": "Mike"}, name))
    event = Event.objects.latest("id")
    assert (event.action, event.actor_id, event.contract) == ("change.refused", cast.administrator.pk, "forms")
    assert (event.target_kind, event.target_id, event.changes) == ("user", cast.owner.pk, {})


@pytest.mark.parametrize(
    ("named", "passes"),
    [
        ([], {"administrator", "bound"}),
        (["authenticated", "administrator"], {"administrator", "bound"}),
        (["administrator", "same_client"], {"bound"}),
        (["same_client", "administrator", "authenticated"], {"bound"}),
        (["administrator", "nobody"], set()),
        (["nobody", "administrator"], set()),
        (["administrator", "administrator"], {"administrator", "bound"}),
    ],
)
def test_of_several_policies_each_must_let_the_caller_pass(cast, callers, named, passes):
    name = configured(authorization_policies=named)
    for kind, client in callers.items():
        answer = client.post("/api/users", asked(EXAMPLE | {"email": f"{kind}@example.com"}, name))
        assert refused(answer) == (kind not in passes), kind


@pytest.mark.parametrize("named", [["nope"], ["Administrator"], [""], [None], [["nobody"]], ["administrator", 1]])
def test_no_other_policy_can_be_named_and_one_that_is_lets_nobody_pass(cast, administrator, named):
    with pytest.raises(Invalid) as refusal:
        configured(authorization_policies=named)
    assert [fault.field for fault in refusal.value.faults] == ["authorization_policies"]

    FormConfiguration.objects.create(name="unsound", fields={"first_name": {}}, authorization_policies=["nope"])
    assert refused(administrator.post("/api/users", asked(EXAMPLE, "unsound")))
