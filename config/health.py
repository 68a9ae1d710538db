"""What a load balancer asks: is the process alive, may it be sent requests."""

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Alive: touches nothing outside the process."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Ready: the database answers and has every migration of this release."""
    checks = readiness()
    is_ready = all(answer == "ok" for answer in checks.values())
    return JsonResponse(
        {"status": "ok" if is_ready else "not ready", "checks": checks},
        status=200 if is_ready else 503,
    )


def readiness() -> dict[str, str]:
    try:
        missing = count_of_missing_migrations()
    except DatabaseError:
        return {"database": "unreachable", "migrations": "unknown"}
    return {
        "database": "ok",
        "migrations": f"{missing} not applied" if missing else "ok",
    }


def count_of_missing_migrations() -> int:
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
