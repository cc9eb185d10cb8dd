"""`manage.py rotate_jwt_key`: a new key signs, old ones verify until their tokens are past (native contract 1)."""

import io
import logging
import os
import stat
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
import time_machine
from django.conf import settings as present
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from accounts import keys
from accounts.keys import directory, material, ring
from accounts.models import Event
from accounts.services import sign_ins
from accounts.tests import pems
from accounts.tests.callers import caller, tokens_of
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tokens import AccessToken, RefreshToken
from usermgmt.errors import InvalidToken

ALGORITHMS = material.ALGORITHMS
ASYMMETRIC = ("RS256", "ES256", "EdDSA")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def folder(tmp_path, settings):
    settings.JWT_KEY_DIR = tmp_path / "keys"
    return settings.JWT_KEY_DIR


@pytest.fixture
def rotate(db):
    """`rotate(after=0)` gives what the command said."""

    def run(**options):
        out = io.StringIO()
        call_command("rotate_jwt_key", stdout=out, **{"after": 0, **options})
        return out.getvalue()

    return run


def token(token_class=AccessToken) -> str:
    made = token_class()
    made.bind(user_id=1, sign_in_id=2, version=3)
    return str(made)


def kid(text: str) -> str:
    return jwt.get_unverified_header(text)["kid"]


def files(folder) -> list[Path]:
    return sorted(folder.iterdir())


def is_good(text: str) -> bool:
    try:
        return AccessToken.read(text).user_id == 1
    except InvalidToken:
        return False


def published(client) -> list[str]:
    return [jwk["kid"] for jwk in client.get("/.well-known/jwks.json").json()["keys"]]


# A rotation


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_new_key_signs_and_the_old_one_verifies(rotate, settings, folder, algorithm):
    settings.JWT_ALGORITHM = algorithm
    rotate()
    before = token()
    with time_machine.travel(time.time() + 2):
        rotate()
        after = token()
        assert jwt.get_unverified_header(after)["alg"] == algorithm
        assert kid(after) != kid(before)
        assert is_good(before) and is_good(after)
        assert len(files(folder)) == 2


def test_the_first_rotation_takes_over_from_the_secret_key(rotate):
    before = token()
    rotate()
    after = token()
    assert kid(before) != kid(after)
    assert is_good(before) and is_good(after)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_is_a_file_for_its_owner_alone(rotate, settings, folder, algorithm):
    settings.JWT_ALGORITHM = algorithm
    told = rotate()
    (path,) = files(folder)
    assert str(path) in told
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert path.suffix == (".secret" if algorithm == "HS256" else ".pem")
    text = path.read_bytes()
    assert material.from_text(text).kid == keys.keyring().signing.kid
    assert (b"BEGIN PRIVATE KEY" in text) is (algorithm != "HS256")  # PKCS8
    assert text.decode().splitlines()[0 if algorithm == "HS256" else 1] not in told


def test_secrets_are_made_by_chance_and_have_256_bits(rotate, folder):
    rotate()
    rotate()
    secrets = {directory._parsed(path.read_bytes()).private for path in files(folder)}
    assert [len(secret) for secret in secrets] == [32, 32]


def test_a_key_that_is_to_come_verifies_and_is_published_before_it_signs(rotate, settings, client):
    settings.JWT_ALGORITHM = "ES256"
    with time_machine.travel(NOON, tick=False) as clock:
        rotate()
        old = kid(token())
        told = rotate(after=600)
        assert "it signs from 2026-11-21T12:10:00Z" in told
        (coming,) = set(published(client)) - {old}
        assert kid(token()) == old
        clock.shift(timedelta(seconds=599))
        assert kid(token()) == old
        clock.shift(timedelta(seconds=1))
        assert kid(token()) == coming
        assert sorted(published(client)) == sorted([old, coming])


def test_whoever_shares_the_directory_verifies_what_a_key_signs_that_is_new_to_them(rotate, settings, folder):
    """Another process, or machine, as far as a token can tell."""
    settings.JWT_ALGORITHM = "EdDSA"
    rotate()
    assert keys.keyring().signing
    key, text = material.made("EdDSA")
    directory.write(folder, key, text, datetime.now(UTC))
    claims = jwt.decode(token(), options={"verify_signature": False})
    assert is_good(jwt.encode(claims, key.private, algorithm="EdDSA", headers={"kid": key.kid}))


def test_an_unknown_name_makes_us_look_again_but_not_each_time(rotate, monkeypatch):
    """Where the time of change of a shared directory comes late."""
    rotate()
    keys.keyring()
    known = directory._present[present.JWT_KEY_DIR]
    looks = []
    monkeypatch.setattr(directory, "read", lambda path, read=directory.read: looks.append(path) or read(path))
    known.settled = True
    monkeypatch.setattr(ring, "_looked_at", 0.0)
    for _ in range(5):
        with pytest.raises(KeyError):
            keys.named("unknown")
        directory._present[present.JWT_KEY_DIR].settled = True
    assert len(looks) == 1


def test_a_known_directory_is_not_read_again(rotate, monkeypatch):
    rotate()
    with time_machine.travel(time.time() + 60):
        keys.keyring()
        monkeypatch.setattr(directory, "read", lambda path: pytest.fail("read again"))
        for _ in range(3):
            assert is_good(token())


def test_old_keys_retire_when_their_tokens_are_past(rotate, settings, folder, client):
    settings.JWT_ALGORITHM = "ES256"
    with time_machine.travel(NOON, tick=False) as clock:
        rotate()
        first = kid(token())
        clock.shift(timedelta(days=30))
        assert kid(token()) == first  # without a successor it never does
        rotate(after=3600)
        clock.shift(timedelta(hours=1, seconds=-1))
        last = token(RefreshToken)
        assert kid(last) == first
        clock.shift(timedelta(days=14, seconds=-1))
        assert RefreshToken.read(last).user_id == 1
        clock.shift(timedelta(minutes=5, seconds=3))
        assert first not in published(client)
        with pytest.raises(KeyError):
            keys.named(first)
        assert len(files(folder)) == 2  # nobody deletes what nobody was asked to
        told = rotate(after=600)
        assert f"Deleted {folder}/20261121T120000.000000Z-{first}.pem: its tokens are all past." in told
        assert first not in " ".join(path.name for path in files(folder))
        assert len(files(folder)) == 2
        clock.shift(timedelta(days=40))
        rotate()
        assert len(files(folder)) == 2  # the new one, and the one that signed until now


def test_the_secret_key_retires_as_well(rotate):
    with time_machine.travel(NOON, tick=False) as clock:
        shared = keys.keyring().signing.kid
        rotate()
        clock.shift(timedelta(days=14))
        assert shared in keys.keyring().known
        clock.shift(timedelta(minutes=6))
        assert shared not in keys.keyring().known


def test_a_switch_of_algorithm_keeps_old_tokens_good_and_retires_their_key(rotate, settings):
    with time_machine.travel(NOON, tick=False) as clock:
        made = [token()]  # by SECRET_KEY
        for algorithm in ALGORITHMS:
            settings.JWT_ALGORITHM = algorithm
            rotate()
            made.append(token())
            clock.shift(timedelta(seconds=10))
        assert [jwt.get_unverified_header(text)["alg"] for text in made] == ["HS256", *ALGORITHMS]
        assert all(is_good(text) for text in made)
        clock.shift(timedelta(days=15))
        assert keys.keyring().known.keys() == {kid(made[-1])}


def test_a_key_of_another_algorithm_waits_for_the_switch(rotate, settings):
    before = kid(token())
    assert "It signs nothing as long as JWT_ALGORITHM is HS256." in rotate(algorithm="EdDSA")
    assert kid(token()) == before
    settings.JWT_ALGORITHM = "EdDSA"
    assert kid(token()) != before


def test_key_files_verify_beside_the_directory_and_sign_only_without_it(rotate, settings, tmp_path):
    path = tmp_path / "given.pem"
    path.write_bytes(pems.private("ES256"))
    settings.JWT_ALGORITHM, settings.JWT_KEY_FILES = "ES256", [str(path)]
    before = token()
    rotate()
    after = token()
    assert kid(before) != kid(after)
    assert is_good(before) and is_good(after)


def test_of_two_rotations_at_one_moment_every_process_takes_the_same_as_the_newer(rotate, folder):
    with time_machine.travel(NOON, tick=False):
        for _ in range(4):
            rotate()
        assert len(files(folder)) == 4
        newest = max(path.name for path in files(folder))
        assert keys.keyring().signing.kid in newest
        directory._present.clear()
        assert keys.keyring().signing.kid in newest


def test_rotations_at_once_all_make_a_key(folder):
    """Without the command, whose audit rows SQLite writes one after the other."""
    barrier = threading.Barrier(8)

    def make():
        key, text = material.made("EdDSA")
        barrier.wait(20)
        directory.write(folder, key, text, NOON)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(files(folder)) == len(directory.read(folder).keys) == 8


def test_a_rotation_is_told_by_the_audit_trail_without_a_secret(rotate, settings, folder):
    rotate()
    event = Event.objects.get()
    assert (event.action, event.target_kind, event.target_id) == ("key.made", "key", None)
    assert event.changes == {"kid": [None, keys.keyring().signing.kid], "algorithm": [None, "HS256"]}


def test_a_dry_run_says_what_would_be_and_does_nothing(rotate, folder):
    told = rotate(dry_run=True)
    assert told.startswith(f"Would make a key for HS256 in {folder}; it signs from ")
    assert not folder.exists()
    assert not Event.objects.exists()
    with time_machine.travel(NOON, tick=False) as clock:
        rotate()
        rotate()
        clock.shift(timedelta(days=15))
        rotate()
        before = files(folder)
        clock.shift(timedelta(days=15))
        assert "Would delete" in rotate(dry_run=True)
        assert files(folder) == before


@pytest.mark.parametrize("after", [-1, 10**10])
def test_a_time_that_makes_no_sense_is_refused(rotate, folder, after):
    with pytest.raises(CommandError, match="--after: 0 to"):
        rotate(after=after)
    assert not folder.exists()


def test_a_directory_that_cannot_be_written_is_an_error_message(rotate, settings, tmp_path):
    (tmp_path / "file").write_text("")
    settings.JWT_KEY_DIR = tmp_path / "file" / "keys"
    with pytest.raises(CommandError, match="JWT_KEY_DIR: "):
        rotate()
    assert not Event.objects.exists()


def test_a_key_that_cannot_be_written_whole_is_not_there_at_all(folder, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        directory.write(folder, *material.made("HS256"), NOON)
    assert files(folder) == []


# What does not belong there


def errors():
    return [message.msg for message in run_checks(tags=["security"]) if message.id == "usermgmt.E002"]


def spoil(folder, kind):
    """Put something there that is no sound key; gives its name."""
    key, text = material.made("HS256")
    good = directory.name_of(key, NOON)
    name, content = {
        "foreign": ("notes.txt", b"remember"),
        "no moment": (f"20269999T999999.000000Z-{key.kid}.secret", text),
        "another's name": (good.replace(key.kid, "0" * 16), text),
        "empty": (good, b""),
        "garbage": (good, b"\xff\x00"),
        "short": (good, b"c2hvcnQ\n"),
        "weak": ("20261121T120000.000000Z-x.pem", pems.private("RS256 weak")),
        "other curve": ("20261121T120000.000000Z-x.pem", pems.private("ES256 other curve")),
        "locked": ("20261121T120000.000000Z-x.pem", pems.locked("ES256")),
        "public": (f"20261121T120000.000000Z-{material.from_pem(pems.public('EdDSA')).kid}.pem", pems.public("EdDSA")),
        "half a PEM": ("20261121T120000.000000Z-x.pem", pems.private("ES256")[:80]),
    }[kind]
    (folder / name).write_bytes(content)
    (folder / name).chmod(0o600)
    return name


KINDS = ["foreign", "no moment", "another's name", "empty", "garbage", "short", "weak", "other curve", "locked",
         "public", "half a PEM"]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_sound_key_stops_a_start_and_no_running_server(rotate, folder, caplog, kind):
    rotate()
    before = token()
    assert errors() == []
    name = spoil(folder, kind)
    (error,) = errors()
    assert error.startswith("JWT_KEY_DIR: ") and name in error
    with caplog.at_level(logging.ERROR, "accounts.keys"):
        for _ in range(3):
            assert is_good(before) and kid(token()) == kid(before)
            directory.reload(folder)
    assert [record.getMessage().count(name) > 0 for record in caplog.records] == [True]  # once
    (folder / name).unlink()
    assert errors() == []


def test_a_key_that_can_no_longer_be_read_stays_with_those_who_know_it(rotate, folder):
    rotate()
    before = token()
    (path,) = files(folder)
    content = path.read_bytes()
    path.write_bytes(b"")
    directory.reload(folder)
    assert is_good(before) and kid(token()) == kid(before)
    assert errors()
    path.write_bytes(content)
    assert not errors()


def test_a_directory_that_goes_away_takes_no_key_from_a_running_server(rotate, folder, caplog):
    rotate()
    before = token()
    folder.rename(folder.parent / "elsewhere")
    with caplog.at_level(logging.ERROR, "accounts.keys"):
        assert is_good(before) and kid(token()) == kid(before)
        assert is_good(before)
    assert [record.getMessage() for record in caplog.records] == [f"key directory: {folder}: gone"]
    (folder.parent / "elsewhere").rename(folder)
    assert is_good(before) and kid(token()) == kid(before)


def test_a_deleted_key_verifies_no_longer(rotate, folder):
    """So is a key taken back that leaked."""
    rotate()
    before = token()
    with time_machine.travel(time.time() + 2):
        rotate()
        files(folder)[0].unlink()
        assert not is_good(before)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o602])
def test_a_key_that_others_may_read_stops_a_start_and_says_what_to_do(rotate, folder, mode):
    rotate()
    (path,) = files(folder)
    path.chmod(mode)
    (error,) = errors()
    assert f"chmod 600 {path}" in error
    assert is_good(token())


def test_what_is_being_written_is_not_looked_at(rotate, folder):
    rotate()
    (folder / ".tmp1234").write_bytes(b"half a k")
    assert errors() == []
    assert len(keys.keyring().known) == 2  # and SECRET_KEY's


def test_without_a_key_of_the_algorithm_the_check_says_how_to_make_one(rotate, settings):
    settings.JWT_ALGORITHM = "ES256"
    (error,) = errors()
    assert "manage.py rotate_jwt_key --after 0" in error
    rotate(after=600)
    assert errors()  # it does not sign yet, and nothing else does
    rotate()
    assert errors() == []


@pytest.mark.django_db(transaction=True)
def test_the_first_key_can_be_made_where_every_other_command_asks_for_it(folder):
    """Django's checks come before a command, and they ask for a key."""
    environment = {**os.environ, "JWT_ALGORITHM": "ES256", "JWT_KEY_DIR": str(folder), "DATABASE_URL": database_url()}

    def manage(*arguments):
        return subprocess.run(  # noqa: S603  # our own interpreter
            [sys.executable, "manage.py", *arguments],
            cwd=present.BASE_DIR, env=environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    assert "usermgmt.E002" in manage("ensure_administrator").stderr
    made = manage("rotate_jwt_key", "--after", "0")
    assert (made.returncode, made.stderr) == (0, "")
    assert manage("check").returncode == 0
    (folder / "stray.txt").write_text("x")
    assert manage("check").returncode == 1
    assert manage("rotate_jwt_key").returncode == 0
    assert Event.objects.filter(action="key.made").count() == 2


def test_the_first_key_can_be_made_before_there_is_a_database(folder, tmp_path):
    url = f"sqlite:///{tmp_path}/fresh.sqlite3"
    environment = {**os.environ, "JWT_ALGORITHM": "EdDSA", "JWT_KEY_DIR": str(folder), "DATABASE_URL": url}
    for arguments in (["rotate_jwt_key", "--after", "0"], ["check"]):
        done = subprocess.run(  # noqa: S603  # our own interpreter
            [sys.executable, "manage.py", *arguments],
            cwd=present.BASE_DIR, env=environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert len(files(folder)) == 1


def database_url():
    """The test's own database, for another process."""
    told = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{told['NAME']}"
    return f"postgres://{told['USER']}@{told['HOST']}:{told['PORT'] or 5432}/{told['NAME']}"


# What is published


def test_secrets_are_never_published(rotate, client):
    rotate()
    rotate(after=600)
    answer = client.get("/.well-known/jwks.json")
    assert answer.json() == {"keys": []}
    assert answer["Cache-Control"] == "public, max-age=300"


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_current_coming_and_old_keys_are_published_without_a_secret_member(rotate, settings, client, algorithm):
    settings.JWT_ALGORITHM = algorithm
    for after in (0, 0, 600):
        rotate(after=after)
    answer = client.get("/.well-known/jwks.json")
    told = answer.json()["keys"]
    assert len(told) == 3
    assert answer["Cache-Control"] == "public, max-age=300"
    assert not {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} & {member for jwk in told for member in jwk}
    assert kid(token()) in [jwk["kid"] for jwk in told]


# While requests come


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("algorithm", ["HS256", "ES256"])
def test_no_request_fails_while_keys_rotate(settings, folder, algorithm):
    settings.JWT_ALGORITHM = algorithm
    call_command("rotate_jwt_key", after=0, stdout=io.StringIO())
    users = [UserFactory() for _ in range(3)]
    pairs = [tokens_of(user) for user in users]
    over = threading.Event()
    failures, calls = [], []

    def live(user, pair):
        from django.db import connections

        try:
            client, refresh, access = caller(), pair.refresh, pair.access
            while not over.is_set():
                client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
                answers = [client.get("/users/current"), caller().post("/auth/token/refresh", {"refresh": refresh})]
                if [answer.status_code for answer in answers] != [200, 200]:
                    failures.append([answer.content for answer in answers])
                    return
                access, refresh = answers[1].json()["access"], answers[1].json()["refresh"]
                calls.append(kid(access))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=live, args=pair) for pair in zip(users, pairs, strict=True)]
    for thread in threads:
        thread.start()
    made = []
    for _ in range(6):
        key, text = material.made(algorithm)
        made.append(key.kid)
        directory.write(folder, key, text, datetime.now(UTC))
        deadline = time.monotonic() + 60
        while key.kid not in calls and not failures and time.monotonic() < deadline:
            over.wait(0.01)
    over.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert set(made) <= set(calls)


@pytest.mark.django_db(transaction=True)
def test_another_process_takes_the_new_key_at_its_next_token(settings, folder):
    """The other one lives on through the rotation, as a worker of the server does."""
    script = (
        "import sys, django; django.setup()\n"
        "from accounts.tokens import AccessToken\n"
        "for line in sys.stdin:\n"
        "    AccessToken.read(line.strip())\n"
        "    made = AccessToken(); made.bind(user_id=1, sign_in_id=2, version=3)\n"
        "    print(made, flush=True)\n"
    )
    environment = {
        **os.environ,
        "SECRET_KEY": present.SECRET_KEY,
        "JWT_KEY_DIR": str(folder),
        "DATABASE_URL": "sqlite://:memory:",
    }
    other = subprocess.Popen(  # noqa: S603  # our own interpreter
        [sys.executable, "-c", script],
        cwd=present.BASE_DIR,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with other:
        kids = []
        for _ in range(3):
            other.stdin.write(token() + "\n")
            other.stdin.flush()
            theirs = other.stdout.readline().strip()
            assert is_good(theirs)
            assert kid(theirs) == kid(token())
            kids.append(kid(theirs))
            call_command("rotate_jwt_key", after=0, stdout=io.StringIO())
        other.stdin.close()
    assert other.returncode == 0
    assert len(set(kids)) == 3


def test_a_refresh_outlives_the_rotation_of_the_key_that_signed_it(rotate, cast):
    _, tokens = sign_ins.sign_in(email="olga@example.com", password=PASSWORD)
    rotate()
    fresh = caller().post("/auth/token/refresh", {"refresh": tokens.refresh}).json()
    assert kid(fresh["access"]) == kid(fresh["refresh"]) == keys.keyring().signing.kid != kid(tokens.refresh)
