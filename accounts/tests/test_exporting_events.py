"""`manage.py export_events`: the audit trail as JSON lines."""

import io
import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import settings as present
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from accounts.models import Event
from accounts.services import events
from usermgmt import audit

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def trail(cast):
    """Five rows, an hour each from noon on."""
    with time_machine.travel(NOON, tick=False) as clock:
        for number in range(5):
            audit.record(actor=cast.spare, action="user.updated", target=("user", cast.owner.pk),
                         changes={"name": (str(number), "Zoë\n\u2028")})  # fmt: skip
            clock.shift(timedelta(hours=1))
    return list(Event.objects.order_by("pk"))


def export(**options):
    out = io.StringIO()
    call_command("export_events", stdout=out, **options)
    return [json.loads(line) for line in out.getvalue().split("\n")[:-1]]


def test_every_event_is_a_line_in_the_shape_of_the_api_oldest_first(trail, cast, call):
    shown = call(cast.administrator).get("/events?ordering=id").json()["events"]
    assert export() == shown
    assert shown[0]["actor"] == {"id": cast.spare.pk, "email": "sam@example.com"}


@pytest.mark.parametrize(
    ("options", "places"),
    [
        ({"since": "2026-11-21T13:00:00Z"}, [1, 2, 3, 4]),
        ({"since": "2026-11-21T15:00:00+01:00"}, [2, 3, 4]),
        ({"until": "2026-11-21T13:00:00Z"}, [0]),
        ({"since": "2026-11-21T13:00:00Z", "until": "2026-11-21T15:00:00Z"}, [1, 2]),
        ({"since": "2026-11-22"}, []),
        ({"since": "2026-11-21", "until": "2026-11-22"}, [0, 1, 2, 3, 4]),
    ],
)
def test_the_time_is_from_a_moment_to_before_another(trail, options, places):
    assert [event["id"] for event in export(**options)] == [trail[place].pk for place in places]


@pytest.mark.parametrize("option", ["since", "until"])
@pytest.mark.parametrize("value", ["", "yesterday", "2026-13-01", "12"])
def test_what_is_no_moment_is_an_error_message(trail, option, value):
    with pytest.raises(CommandError, match=f"--{option}: a moment"):
        export(**{option: value})


def test_a_file_is_for_its_owner_alone_and_there_whole_or_not_at_all(trail, tmp_path, monkeypatch):
    target = tmp_path / "events.jsonl"
    out = io.StringIO()
    call_command("export_events", output=str(target), stdout=out)
    assert out.getvalue() == f"Wrote 5 events to {target}.\n"
    assert [json.loads(line)["id"] for line in target.read_text().split("\n")[:-1]] == [row.pk for row in trail]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    before = target.read_bytes()

    def broken(found):
        yield from found.with_names()[:1]
        raise KeyError

    monkeypatch.setattr(events, "walked", broken)
    with pytest.raises(KeyError):
        call_command("export_events", output=str(target), stdout=out)
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_that_cannot_be_written_is_an_error_message(trail, tmp_path):
    with pytest.raises(CommandError, match="No such file or directory"):
        export(output=str(tmp_path / "nowhere" / "events.jsonl"))
    assert not Event.objects.filter(action="event.exported").exists()


def test_it_is_told_by_the_trail_and_not_told_in_itself(trail):
    assert len(export()) == 5
    last = Event.objects.first()
    assert (last.action, last.target_kind, last.actor_id, last.contract) == ("event.exported", "event", None, "command")
    assert len(export()) == 6


def test_it_reads_a_batch_at_a_time(trail, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(events, "BATCH_SIZE", 2)
    with django_assert_num_queries(4):
        assert [event.pk for event in events.walked(events.Event.objects.all())] == [row.pk for row in trail]


@pytest.mark.django_db(transaction=True)
def test_lines_go_to_standard_output_alone_and_a_reader_may_go_away():
    Event.objects.bulk_create(
        [
            Event(action="user.updated", target_kind="user", target_id=n, changes={"n": [None, "x" * 50]})
            for n in range(3000)
        ]
    )
    url = present.DATABASES["default"]
    name = connection.settings_dict["NAME"]
    database = (
        f"sqlite:///{name}"
        if connection.vendor == "sqlite"
        else f"postgres://{url['USER']}@{url['HOST']}:{url['PORT'] or 5432}/{name}"
    )
    run = [sys.executable, "manage.py", "export_events"]
    environment = {**os.environ, "DATABASE_URL": database}
    done = subprocess.run(run, cwd=present.BASE_DIR, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line)["target"]["id"] for line in done.stdout.splitlines()] == list(range(3000))
    with subprocess.Popen(  # noqa: S603
        run, cwd=present.BASE_DIR, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read()
    assert process.returncode == 1
    assert told == "CommandError: Whoever read this went away before its end.\n"
