import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from tracker.api.permissions import caller_name

WINDOW_SECONDS = 60


class PerCaller(BaseThrottle):
    """So many requests a minute for each key, told in RateLimit headers."""

    def allow_request(self, request: Request, view: Any) -> bool:
        limit: int = settings.API_REQUESTS_PER_MINUTE
        window, passed = divmod(int(time.time()), WINDOW_SECONDS)
        self.seconds_left = WINDOW_SECONDS - passed
        used = self._count(f"api-requests:{caller_name(request)}:{window}")
        view.headers |= {
            "RateLimit-Limit": str(limit),
            "RateLimit-Remaining": str(max(0, limit - used)),
            "RateLimit-Reset": str(self.seconds_left),
        }
        return used <= limit

    def wait(self) -> float:
        return float(self.seconds_left)

    def _count(self, name: str) -> int:
        cache.add(name, 0, timeout=2 * WINDOW_SECONDS)
        try:
            return int(cache.incr(name))
        except ValueError:
            # Evicted in between, which a full cache may do.
            return 1
