"""What operators type."""

import io
import sys
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone
from factory import SubFactory

from accounts import passwords
from accounts.models import Event, SignIn, User
from accounts.services import sign_ins
from accounts.tests.factories import PASSWORD, AdministratorFactory
from clients.models import Client
from clients.tests.factories import ClientFactory

pytestmark = pytest.mark.django_db


def run(name, *args, **options):
    """The command's standard output and error."""
    out, err = io.StringIO(), io.StringIO()
    call_command(name, *args, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


@pytest.fixture
def environment(monkeypatch):
    """Sets DJANGO_SUPERUSER_* as asked, and nothing else of it."""

    def set_to(**values):
        for name in ("EMAIL", "PASSWORD"):
            monkeypatch.delenv(f"DJANGO_SUPERUSER_{name}", raising=False)
        for name, value in values.items():
            monkeypatch.setenv(f"DJANGO_SUPERUSER_{name.upper()}", value)

    set_to()
    return set_to


class TestCreatesuperuser:
    def test_without_input_makes_an_administrator_who_signs_in(self, environment):
        environment(email="Root@Example.com", password=PASSWORD)
        run("createsuperuser", interactive=False)
        user, _ = sign_ins.sign_in(email="root@example.com", password=PASSWORD)
        assert (user.email, user.name, user.client, user.is_staff) == ("Root@Example.com", "Root", None, True)

    def test_leaves_an_event_of_the_operator(self, environment):
        environment(email="root@example.com", password=PASSWORD)
        run("createsuperuser", interactive=False)
        event = Event.objects.get()
        assert (event.action, event.contract, event.actor_id) == ("user.created", "command", None)
        assert event.target_id == User.objects.get().pk

    def test_with_input_asks_for_address_and_password(self, environment, monkeypatch):
        answers = iter(["root@example.com"])
        monkeypatch.setattr("builtins.input", lambda prompt="": next(answers))
        monkeypatch.setattr("getpass.getpass", lambda prompt="": PASSWORD)
        monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
        run("createsuperuser", interactive=True, stdin=sys.stdin)
        assert sign_ins.verified_user(email="root@example.com", password=PASSWORD).is_superuser

    def test_with_input_tells_what_is_wrong_with_a_password_and_asks_again(self, environment, monkeypatch):
        answers, secrets = iter(["root@example.com", "n"]), iter(["short", "short", PASSWORD, PASSWORD])
        monkeypatch.setattr("builtins.input", lambda prompt="": next(answers))
        monkeypatch.setattr("getpass.getpass", lambda prompt="": next(secrets))
        monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
        _, told = run("createsuperuser", interactive=True, stdin=sys.stdin)
        assert "Password is too short (minimum is 8 characters)." in told
        assert sign_ins.verified_user(email="root@example.com", password=PASSWORD).is_superuser

    def test_a_taken_address_is_an_error_message(self, environment):
        AdministratorFactory(email="root@example.com")
        environment(email="ROOT@example.com", password=PASSWORD)
        with pytest.raises(CommandError, match="Email has already been taken"):
            run("createsuperuser", interactive=False)
        assert User.objects.count() == 1

    def test_a_malformed_address_is_an_error_message(self, environment):
        environment(email="nobody", password=PASSWORD)
        with pytest.raises(CommandError, match="Email is invalid"):
            run("createsuperuser", interactive=False)
        assert not User.objects.exists()

    def test_in_service_a_weak_password_is_refused(self, environment, settings):
        settings.DEVELOPMENT = False
        environment(email="root@example.com", password="password123")
        with pytest.raises(CommandError, match="Password is too common"):
            run("createsuperuser", interactive=False)
        assert not User.objects.exists()

    def test_in_a_development_run_a_weak_password_is_taken_with_a_warning(self, environment):
        environment(email="root@example.com", password="secret")
        _, told = run("createsuperuser", interactive=False)
        assert "too short" in told
        assert sign_ins.verified_user(email="root@example.com", password="secret").is_superuser

    def test_a_password_nobody_could_type_is_refused_even_there(self, environment):
        environment(email="root@example.com", password="x" * (passwords.MAX_LENGTH + 1))
        with pytest.raises(CommandError, match="too long"):
            run("createsuperuser", interactive=False)

    def test_without_a_password_nobody_is_made(self, environment):
        environment(email="root@example.com")
        with pytest.raises(CommandError, match="DJANGO_SUPERUSER_PASSWORD is not set"):
            run("createsuperuser", interactive=False)
        assert not User.objects.exists()

    def test_in_service_the_policy_is_not_bypassed(self, environment, monkeypatch, settings):
        settings.DEVELOPMENT = False
        answers = iter(["root@example.com", "y"])
        monkeypatch.setattr("builtins.input", lambda prompt="": next(answers))
        monkeypatch.setattr("getpass.getpass", lambda prompt="": "password123")
        monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
        with pytest.raises(CommandError, match="Password is too common"):
            run("createsuperuser", interactive=True, stdin=sys.stdin)
        assert not User.objects.exists()


class TestEnsureAdministrator:
    def test_makes_the_administrator_of_the_environment(self, environment):
        environment(email="boss@example.com", password=PASSWORD)
        told, _ = run("ensure_administrator")
        assert sign_ins.verified_user(email="boss@example.com", password=PASSWORD).is_superuser
        assert PASSWORD not in told

    def test_makes_up_what_is_not_set_and_shows_it_once(self, environment):
        told, _ = run("ensure_administrator")
        password = told.split("the password is ")[1].split()[0]
        assert sign_ins.verified_user(email="admin@example.com", password=password).is_superuser
        again, _ = run("ensure_administrator")
        assert password not in again
        assert User.objects.count() == 1

    def test_shows_a_call_that_signs_the_made_up_administrator_in(self, environment, client):
        told, _ = run("ensure_administrator", url="http://127.0.0.1:8000")
        body = told.split("-d '")[1].split("'")[0]
        assert "curl -s http://127.0.0.1:8000/auth/token " in told
        assert client.post("/auth/token", body, content_type="application/json").status_code == 200

    def test_a_chosen_password_is_not_in_the_call_that_it_shows(self, environment):
        environment(email="boss@example.com", password=PASSWORD)
        told, _ = run("ensure_administrator", url="http://127.0.0.1:8000")
        assert "boss@example.com" in told
        assert PASSWORD not in told

    def test_leaves_an_existing_user_as_it_is(self, environment):
        user = AdministratorFactory(email="boss@example.com")
        environment(email="BOSS@example.com", password="another password entirely")
        told, _ = run("ensure_administrator")
        assert "there already" in told
        assert User.objects.get().password == user.password

    @pytest.mark.parametrize("user", [{"is_active": False}, {"client": SubFactory(ClientFactory)}])
    def test_an_address_of_somebody_else_is_an_error_message(self, environment, user):
        AdministratorFactory(email="boss@example.com", **user)
        environment(email="boss@example.com", password=PASSWORD)
        with pytest.raises(CommandError, match="is no active administrator"):
            run("ensure_administrator")

    def test_makes_one_where_the_only_administrator_is_inactive(self, environment):
        AdministratorFactory(is_active=False)
        run("ensure_administrator")
        assert User.objects.active_administrators().count() == 1


class TestChangepassword:
    def typed(self, monkeypatch, *passwords):
        typed = iter(passwords)
        monkeypatch.setattr("getpass.getpass", lambda prompt="": next(typed))

    def test_changes_the_password_and_ends_every_sign_in(self, monkeypatch):
        user = AdministratorFactory(email="root@example.com")
        self.typed(monkeypatch, "a much better one", "a much better one")
        run("changepassword", "ROOT@example.com")
        assert sign_ins.verified_user(email="root@example.com", password="a much better one") == user
        assert User.objects.get().token_version == user.token_version + 1
        assert Event.objects.filter(action="user.updated", contract="command").count() == 1

    def test_tells_what_is_wrong_and_asks_again(self, monkeypatch):
        AdministratorFactory(email="root@example.com")
        self.typed(monkeypatch, "one", "other", "short", "short", "a much better one", "a much better one")
        told, errors = run("changepassword", "root@example.com")
        assert "not the same" in errors
        assert "too short" in errors
        assert "changed" in told

    @pytest.mark.parametrize(
        ("password", "told"),
        [
            ("tooshor", "Password is too short (minimum is 8 characters)"),
            ("Password", "Password is too common"),
            ("ruth-rooter", "Password is too similar to the name"),
            ("lighthouse33", "Password is too similar to the given name"),
            ("gatekeepr", "Password is too similar to the email"),
        ],
    )
    def test_tells_each_rule_of_the_policy(self, monkeypatch, password, told):
        user = AdministratorFactory(email="gate.keepr@example.com", name="Ruth Rooter", given_name="Lighthouse")
        self.typed(monkeypatch, password, password, "a much better one", "a much better one")
        _, errors = run("changepassword", user.email)
        assert errors == f"{told}. Try again.\n"

    @pytest.mark.parametrize(("setting", "bound"), [("staff", True), ("always", True), ("never", False)])
    def test_the_setting_says_whether_the_user_must_change_it(self, monkeypatch, settings, setting, bound):
        settings.CHOSEN_PASSWORDS_MUST_CHANGE = setting
        user = AdministratorFactory(email="root@example.com")
        self.typed(monkeypatch, "a much better one", "a much better one")
        told, _ = run("changepassword", user.email)
        assert User.objects.get().must_change_password is bound
        assert ("must be changed at the next sign-in" in told) is bound

    @pytest.mark.parametrize("said", [True, False])
    def test_the_operator_can_say_otherwise(self, monkeypatch, settings, said):
        settings.CHOSEN_PASSWORDS_MUST_CHANGE = "never" if said else "always"
        user = AdministratorFactory(email="root@example.com", must_change_password=not said)
        self.typed(monkeypatch, *[PASSWORD, PASSWORD] * 2, "a much better one", "a much better one")
        run("changepassword", user.email, must_change=said)
        assert User.objects.get().must_change_password is said

    def test_gives_up_after_three_tries(self, monkeypatch):
        user = AdministratorFactory(email="root@example.com")
        self.typed(monkeypatch, *["short"] * 6)
        with pytest.raises(CommandError, match="after 3 tries"):
            run("changepassword", "root@example.com")
        assert User.objects.get().password == user.password

    def test_an_unknown_address_is_an_error_message(self):
        with pytest.raises(CommandError, match=r"There is no user nobody@example\.com"):
            run("changepassword", "nobody@example.com")


class TestSeedDemo:
    def test_fills_the_directory_with_users_of_clients(self):
        told, _ = run("seed_demo", users=120)
        assert "Made 120 users in 3 clients." in told
        assert User.objects.filter(is_superuser=False, client__isnull=False).count() == 120
        assert Client.objects.count() == 3
        assert Event.objects.filter(action="user.created").count() == 120

    def test_can_be_run_again_on_top(self):
        run("seed_demo", users=30)
        run("seed_demo", users=30)
        assert User.objects.count() == 60
        assert Client.objects.count() == 1

    def test_nobody_of_them_can_sign_in(self):
        run("seed_demo", users=2)
        assert not any(user.has_usable_password() for user in User.objects.all())

    def test_with_a_password_all_of_them_can(self):
        run("seed_demo", users=2, password=PASSWORD)
        user = User.objects.filter(is_active=True)[0]
        assert sign_ins.verified_user(email=user.email, password=PASSWORD) == user

    def test_a_weak_password_is_refused(self):
        with pytest.raises(CommandError, match="too common"):
            run("seed_demo", users=2, password="password123")
        assert not User.objects.exists()

    def test_a_dry_run_makes_nothing(self):
        told, _ = run("seed_demo", users=80, dry_run=True)
        assert "Would make 80 users in 2 clients." in told
        assert not User.objects.exists()
        assert not Client.objects.exists()

    @pytest.mark.parametrize(
        "options", [{"users": 0}, {"users": -1}, {"users": 5, "clients": -1}, {"users": 5, "clients": 0}]
    )
    def test_senseless_numbers_are_refused(self, options):
        with pytest.raises(CommandError, match="at least 1"):
            run("seed_demo", **options)

    def test_inserts_in_bulk(self, django_assert_max_num_queries):
        run("seed_demo", users=1)
        with django_assert_max_num_queries(60):  # SQLite takes some 50 rows an INSERT
            run("seed_demo", users=1000, clients=1)


class TestForgetExpired:
    def test_deletes_sign_ins_that_are_past_and_no_other(self):
        user = AdministratorFactory()
        now = timezone.now()
        past = SignIn.objects.create(user=user, jti="a", expires_at=now - timedelta(seconds=1))
        live = SignIn.objects.create(user=user, jti="b", expires_at=now + timedelta(hours=1))
        told, _ = run("forget_expired")
        assert "Forgot 1 sign-ins, 0 links, 0 mails, 0 API tokens, 0 addresses, 0 stored answers, 0 counters." in told
        assert [past.pk, live.pk] != list(SignIn.objects.values_list("pk", flat=True)) == [live.pk]
