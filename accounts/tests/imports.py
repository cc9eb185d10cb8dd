"""Running `import_users` in tests."""

import io
import json
from types import SimpleNamespace

from django.core.management import call_command
from django.core.management.base import CommandError


def importing(path, content=None, **options):
    """Import a file, of that content if any is given: exit code, what was said, and the faults by line."""
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    out, code = io.StringIO(), 0
    try:
        call_command("import_users", str(path), stdout=out, **options)
    except CommandError as error:
        code = error.returncode
        out.write(str(error))
    faults = path.with_name(f"{path.name}.faults.jsonl")
    told = [json.loads(line) for line in faults.read_text().splitlines()] if faults.exists() else []
    return SimpleNamespace(
        code=code,
        said=out.getvalue(),
        faults={row["line"]: [(fault["field"], fault["code"]) for fault in row["faults"]] for row in told},
    )


def lines(*rows):
    """JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def person(number=1, **values):
    """A row."""
    return {"name": f"Person {number}", "email": f"p{number}@example.org", "client": "Acme"} | values
