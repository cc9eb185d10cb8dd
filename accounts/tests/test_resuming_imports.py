"""`import_users --resume`: a run that was stopped goes on, and nothing is done twice."""

import json
import os
import signal
import subprocess
import sys

import pytest
from django.conf import settings

from accounts.management import runs
from accounts.models import Event, User
from accounts.services import importing as service
from accounts.tests.imports import importing, lines, person

ROWS = [person(n) for n in range(1, 8)]
ROWS[4] = person(5, email="no address")
SAID = "6 created, 1 refused."
FAULTS = {5: [("email", "invalid")]}


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(runs, "BATCH", 2)


def stopped(monkeypatch, *, at, before):
    """Have the batch of that number end in a stop, before or after it is in."""
    take, taken = service.take, []

    def once(run, rows, *, again=False):
        taken.append(rows)
        if before and len(taken) == at:
            raise KeyboardInterrupt
        told = take(run, rows, again=again)
        if len(taken) == at:
            raise KeyboardInterrupt
        return told

    monkeypatch.setattr(service, "take", once)


def as_csv(rows):
    return "name,email,client\n" + "".join(f'"{row["name"]}",{row["email"]},{row["client"]}\n' for row in rows)


@pytest.mark.parametrize("on_conflict", ["fail", "skip", "update"])
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(("at", "name"), [(1, "a.jsonl"), (3, "a.jsonl"), (4, "a.csv")])
def test_it_goes_on_as_if_it_had_not_been_stopped(  # noqa: PLR0917
    cast, tmp_path, monkeypatch, small, at, before, name, on_conflict
):
    content = lines(*ROWS) if name == "a.jsonl" else as_csv(ROWS)
    with monkeypatch.context() as patch:
        stopped(patch, at=at, before=before)
        first = importing(tmp_path / name, content, on_conflict=on_conflict)
    header = int(name == "a.csv")
    assert (first.code, f"before line {2 * at - 1 + header} are in. --resume goes on" in first.said) == (2, True)
    assert not Event.objects.filter(action="user.imported").exists()
    done = importing(tmp_path / name, on_conflict=on_conflict, resume=True)
    assert (done.code, done.said.startswith(SAID)) == (1, True), done.said
    assert done.faults == {5 + header: [("email", "invalid")]}
    assert User.objects.filter(email__endswith="@example.org").count() == 6
    assert Event.objects.filter(action="user.created").count() == 6
    assert Event.objects.values("request_id").distinct().count() == 1
    summary = Event.objects.get(action="user.imported").changes
    assert (summary["created"], summary["refused"]) == ([None, 6], [None, 1])
    assert importing(tmp_path / name, resume=True).code == 2  # it is through


def test_a_row_with_the_address_of_another_row_is_not_taken_for_it(cast, tmp_path, monkeypatch, small):
    """For one of the batches before, for one behind it that was made because it was not, nor for one made just now."""
    batches = [
        [person(1), person(2)], [person(1), person(3)], [person(4, roles=["nobody"]), person(4)],
        [person(5), person(2)], [person(6), person(6)],
    ]  # fmt: skip
    (tmp_path / "a.jsonl").write_text(lines(*(row for batch in batches for row in batch)))
    for number in range(2, len(batches) + 1):
        with monkeypatch.context() as patch:
            stopped(patch, at=2, before=number == len(batches))
            importing(tmp_path / "a.jsonl", resume=number > 2)
    done = importing(tmp_path / "a.jsonl", resume=True)
    assert (done.code, done.said.startswith("6 created, 4 refused.")) == (1, True)
    assert {line: faults[-1] for line, faults in done.faults.items()} == {
        3: ("email", "taken"), 5: ("roles", "unknown_role"), 8: ("email", "taken"), 10: ("email", "taken")
    }  # fmt: skip
    assert User.objects.filter(email__endswith="@example.org").count() == 6


def test_a_run_that_was_stopped_is_not_begun_anew_by_mistake(cast, tmp_path, monkeypatch, small):
    with monkeypatch.context() as patch:
        stopped(patch, at=2, before=True)
        importing(tmp_path / "a.jsonl", lines(*ROWS))
    state = tmp_path / "a.jsonl.faults.jsonl.state"
    for options, words in (
        ({}, "was stopped, or goes on"),
        ({"dry_run": True}, "was stopped, or goes on"),
        ({"resume": True, "dry_run": True}, "can't be resumed"),
        ({"resume": True, "on_conflict": "skip"}, "other options"),
    ):
        refused = importing(tmp_path / "a.jsonl", **options)
        assert (refused.code, words in refused.said) == (2, True)
    for other in (b"x" + lines(*ROWS).encode()[1:], b""):
        refused = importing(tmp_path / "a.jsonl", other, resume=True)
        assert (refused.code, "is not the one of the run" in refused.said) == (2, True)
    kept = state.read_bytes()
    assert (b"example.org" in kept, oct(state.stat().st_mode)[-3:]) == (False, "600")
    for broken in (
        b"",
        b"[]",
        b"{}",
        b'{"number": 1}',
        b'{"offset": -1}',
        b"\0",
        kept.replace(b'"line": 3', b'"line": "x"'),
        kept.replace(b'"batch": 2', b'"batch": 0'),
        kept.replace(b'"passwords": 100', b'"passwords": 1000000000'),
    ):
        state.write_bytes(broken)
        refused = importing(tmp_path / "a.jsonl", lines(*ROWS), resume=True)
        assert refused.code == 2, broken
    state.write_bytes(kept)
    assert importing(tmp_path / "a.jsonl", lines(*ROWS, person(8)), resume=True).said.startswith(
        "7 created, 1 refused."
    )


def test_a_row_twice_in_the_batch_that_was_under_way_is_made_once(cast, tmp_path, monkeypatch, small):
    rows = lines(person(1), person(1), person(2))
    with monkeypatch.context() as patch:
        stopped(patch, at=1, before=False)
        importing(tmp_path / "a.jsonl", rows)
    done = importing(tmp_path / "a.jsonl", resume=True)
    assert (done.said.startswith("2 created, 1 refused"), done.faults) == (True, {2: [("email", "taken")]})


def test_it_goes_on_with_batches_of_the_size_that_they_had(cast, tmp_path, monkeypatch, small):
    """Only the first batch may be in already: were it smaller now, the rest of it would be taken for others' users."""
    with monkeypatch.context() as patch:
        stopped(patch, at=2, before=False)
        importing(tmp_path / "a.jsonl", lines(*ROWS))
    monkeypatch.setattr(runs, "BATCH", 1)
    done = importing(tmp_path / "a.jsonl", resume=True)
    assert (done.code, done.said.startswith(SAID), done.faults) == (1, True, FAULTS)


def test_what_was_changed_before_the_stop_is_counted_as_changed(cast, tmp_path, monkeypatch, small):
    importing(tmp_path / "before.jsonl", lines(person(1), person(2), person(3)))
    changed = [person(n, nickname="N") for n in (1, 2, 3)]
    rows = [changed[0], changed[1], changed[2], changed[2], changed[0]]
    for at in (1, 2):
        with monkeypatch.context() as patch:
            stopped(patch, at=at, before=False)
            importing(tmp_path / "a.jsonl", lines(*rows), on_conflict="update", resume=at > 1)
    done = importing(tmp_path / "a.jsonl", on_conflict="update", resume=True)
    assert (done.code, done.said) == (0, "3 updated, 2 unchanged.\n")
    summary = Event.objects.filter(action="user.imported").latest("pk").changes
    assert (summary["updated"], summary["unchanged"]) == ([None, 3], [None, 2])
    assert Event.objects.filter(action="user.updated").count() == 3


@pytest.mark.django_db(transaction=True)
def test_a_process_that_is_killed_between_batches_goes_on(tmp_path):
    rows = [person(n) for n in range(1, 4 * runs.BATCH + 1)]
    path = tmp_path / "a.jsonl"
    path.write_text(lines(*rows))
    database = settings.DATABASES["default"]
    url = f"sqlite:///{database['NAME']}" if "sqlite" in database["ENGINE"] else (
        f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT'] or 5432}/{database['NAME']}"
    )  # fmt: skip
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "import_users", str(path), "--create-clients"],
        env=os.environ | {"DATABASE_URL": url}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    state = path.with_name("a.jsonl.faults.jsonl.state")
    while process.poll() is None and not (state.exists() and json.loads(state.read_text())["offset"]):
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    there = User.objects.count()
    assert 0 < there < len(rows)
    assert there % runs.BATCH == 0
    done = importing(path, resume=True, create_clients=True)
    assert (done.code, done.said) == (0, f"{len(rows)} created.\n")
    assert User.objects.count() == len(rows) == Event.objects.filter(action="user.created").count()
