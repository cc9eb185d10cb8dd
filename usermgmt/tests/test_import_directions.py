"""The import directions of DESIGN 1, held by the contracts in pyproject.toml."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # our own interpreter, no input
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_house_keeps_its_import_directions():
    result = lint_imports(settings.BASE_DIR)
    assert "0 broken" in result.stdout, result.stdout + result.stderr
    assert "dialects > accounts > clients > the domain's ground KEPT" in result.stdout
    assert result.returncode == 0


@pytest.fixture
def house(tmp_path):
    """The house's plan in an empty building: the same contracts over modules without content."""
    plan = (settings.BASE_DIR / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(plan[plan.index("[tool.importlinter]") :])
    for module in Path(settings.BASE_DIR).glob("*/**/*.py"):
        place = module.relative_to(settings.BASE_DIR)
        if place.parts[0] in ("usermgmt", "accounts", "clients"):
            (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / place).touch()
    (tmp_path / "usermgmt/dialects/scim").mkdir()
    (tmp_path / "usermgmt/dialects/scim/__init__.py").touch()
    return tmp_path


def test_the_empty_building_keeps_them(house):
    result = lint_imports(house)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("clients/services/clients.py", "import accounts.models", "dialects > accounts > clients"),
        ("accounts/services/users/__init__.py", "import usermgmt.dialects.scim", "dialects > accounts > clients"),
        ("usermgmt/errors.py", "import clients.models", "dialects > accounts > clients"),
        ("usermgmt/http/problems.py", "import accounts.models", "usermgmt.http imports no app"),
        ("accounts/services/users/__init__.py", "import rest_framework", "the domain knows no HTTP"),
        ("clients/models/client.py", "import usermgmt.http.problems", "the domain knows no HTTP"),
        ("usermgmt/dialects/scim/__init__.py", "import usermgmt.dialects.forms", "dialects never import one another"),
        ("usermgmt/dialects/forms/rules/form.py", "import accounts.models", "the rules of forms know neither"),
        ("usermgmt/dialects/forms/rules/form.py", "import usermgmt.http.problems", "the rules of forms know neither"),
    ],
)
def test_an_import_against_the_direction_is_found(house, module, line, broken):
    (house / module).write_text(f"{line}\n")
    result = lint_imports(house)
    assert result.returncode == 1, result.stdout + result.stderr
    assert any(broken in said and "BROKEN" in said for said in result.stdout.splitlines()), result.stdout
