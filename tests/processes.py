"""Programs of ours that a test starts as a user would, outside of its own process."""

import os

# What the tests set for themselves, and a user's environment has not.
OF_THE_TESTS = frozenset(
    {
        "DATABASE_URL",
        "DJANGO_ALLOW_ASYNC_UNSAFE",
        "DJANGO_SETTINGS_MODULE",
        "TRACKER_ENV",
    }
)


def users_environment(**more: str) -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if name not in OF_THE_TESTS
    }
    return inherited | more
