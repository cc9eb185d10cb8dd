"""Whether the process lives, and whether it can serve."""

from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from usermgmt.http.methods import read_only


@read_only
def livez(request: HttpRequest) -> HttpResponse:
    """200 while the process answers; touches nothing else, so that a database away restarts no process."""
    return JsonResponse({"status": "ok"})


@read_only
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the database answers and has every migration; else 503, and load balancers wait."""
    connection = connections[DEFAULT_DB_ALIAS]
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error:
        return _unready("the database does not answer")
    if pending:
        return _unready("migrations are pending: run manage.py migrate")
    return JsonResponse({"status": "ok"})


def _unready(reason: str) -> HttpResponse:
    return JsonResponse({"status": "unavailable", "error": reason}, status=503, headers={"Retry-After": "1"})
