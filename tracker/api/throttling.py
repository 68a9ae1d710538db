import logging
import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from redis import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from tracker.api.permissions import caller_name

WINDOW_SECONDS = 60

log = logging.getLogger(__name__)


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
        """Return how many it is with this one, for all processes together.

        Where the cache can't tell, the request passes: it is worth more than its count.
        """
        try:
            return self._counted(name)
        except RedisError as error:
            log.warning("requests aren't counted: %s", error)
            return 1

    def _counted(self, name: str) -> int:
        # Most often it is there already, so that is tried first.
        for _attempt in range(2):
            try:
                return int(cache.incr(name))
            except ValueError:
                if cache.add(name, 1, timeout=2 * WINDOW_SECONDS):
                    return 1
        return 1
