"""The README tells the truth: its tour gives the answers it prints, its table names every setting."""

import json
import re
import shutil
import subprocess

import pytest
from django.conf import settings
from django.core.management import call_command

from usermgmt.dialects.forms.models import FormConfiguration

README = (settings.BASE_DIR / "README.md").read_text()
TOUR = README[README.index("## A tour with curl") : README.index("## Configuration")]
STEPS = re.findall(r"```bash\n(.*?)```(?:\s*```json\n(.*?)```)?", TOUR, re.DOTALL)


def without_chance(answer: str) -> str:
    """The answer as the README prints it: without what is another one each time."""
    answer = re.sub(r"eyJ[\w.-]+", "eyJ...", answer)
    answer = re.sub(r'"id":\d+,"at":"[^"]+"', '"id":"...","at":"..."', answer)
    return re.sub(r'"request_id":"[^"]+"', '"request_id":"..."', answer)


@pytest.mark.django_db(transaction=True, reset_sequences=True)
def test_the_tour_gives_the_answers_it_prints(live_server, monkeypatch):
    assert shutil.which("curl"), "the tour needs curl: apt-get install curl"
    monkeypatch.setenv("DJANGO_SUPERUSER_EMAIL", "admin@example.com")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct horse battery")
    call_command("ensure_administrator")
    mark = "--- next"
    script = f"\necho; echo '{mark}'\n".join(command for command, _ in STEPS)
    script = script.replace("http://127.0.0.1:8000", live_server.url)
    told = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True, timeout=110)  # noqa: S603, S607
    answers = [answer.strip() for answer in told.stdout.split(mark)]
    assert len(answers) == len(STEPS) > 10
    for answer, (command, printed) in zip(answers, STEPS, strict=True):
        if printed:
            assert without_chance(answer) == json.dumps(json.loads(printed), separators=(",", ":")), command


def test_the_table_names_every_variable_that_the_settings_read():
    source = (settings.BASE_DIR / "usermgmt" / "settings.py").read_text()
    read = set(
        re.findall(
            r'(?:_boolean|_integer|_list|_name|_networks|_choice|_pems|_origins|_place|_prefix|_rate|_redis|_sender|env\.str)\(\s*"([A-Z0-9_]+)"',
            source,
        )
    )
    table = README[README.index("## Configuration") : README.index("## Operation")]
    assert len(read) > 15
    assert read - set(re.findall(r"`([A-Z0-9_]+)`", table)) == set()


def test_the_table_of_commands_names_every_command_of_ours():
    ours = {
        path.stem
        for app in ("accounts", "clients", "usermgmt/dialects/forms")
        for path in (settings.BASE_DIR / app / "management" / "commands").glob("[a-z]*.py")
    }
    assert ours
    assert ours == set(re.findall(r"^\| `manage.py (\w+)", README, re.MULTILINE))


def test_its_form_configuration_loads(db, tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "example.yml").write_text(example)
    call_command("load_form_configurations", str(tmp_path))
    assert FormConfiguration.objects.get(name="sign_up").default_payload == {"properties": {"source": "web"}}
