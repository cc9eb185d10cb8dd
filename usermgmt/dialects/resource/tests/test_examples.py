"""The examples of the contract's documentation, as they are printed, against a live server (contract 7).

Only the base URL and the token are other ones.
"""

import ast
import re
import shutil
import subprocess
import sys

import pytest
from django.conf import settings

from accounts.models import User
from accounts.tests.callers import api_token_of
from usermgmt.dialects.resource.tests.shapes import JOHN

PRINTED = (settings.BASE_DIR / "usermgmt" / "dialects" / "resource" / "samples" / "create_a_user.md").read_text()
EXAMPLES = dict(re.findall(r"```(\w+)\n(.*?)```", PRINTED, re.DOTALL))

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def example(live_server, cast):
    """`example(language)` is the printed example for this server."""

    def typed(language):
        text = EXAMPLES[language].replace("http://localhost:3000", f"{live_server.url}/v1")
        return text.replace("your-token-here", api_token_of(cast.administrator)[1])

    return typed


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    return done.stdout


def program(name):
    """Where it is; never skipped: who runs the suite installs it."""
    place = shutil.which(name)
    assert place, f"the examples need {name}: apt-get install {'nodejs' if name == 'node' else name}"
    return place


def printed():
    """The printed answer, of the user that was made."""
    answer = ast.literal_eval(EXAMPLES["json"])
    assert answer == {"userId": 1, **JOHN}
    return answer | {"userId": User.objects.with_email("john.doe@example.com").get().pk}


def test_there_is_one_for_each_language():
    assert list(EXAMPLES) == ["bash", "python", "javascript", "json"]


def test_curl_prints_the_answer(example):
    program("curl")
    assert ast.literal_eval(run(program("bash"), "-euc", example("bash"))) == printed()


def test_python_prints_the_answer(example):
    answer = run(sys.executable, "-c", example("python"))
    assert answer == f"{printed()}\n"


def test_javascript_prints_the_answer(example):
    answer = run(program("node"), "--input-type=module", "--eval", example("javascript"))
    told = printed()
    expected = ", ".join(f"{name}: {value!r}" for name, value in told.items())
    assert " ".join(answer.split()) == f"{{ {expected} }}"
