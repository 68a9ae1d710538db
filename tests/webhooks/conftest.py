import pytest
from django.core.cache import cache

from engagements.choices import Role
from tests.factories import make_user
from tests.webhooks.receivers import answers, receiving


@pytest.fixture(autouse=True)
def loopback(settings):
    """Let receivers be on this machine; tests of what is refused say otherwise."""
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    cache.clear()


@pytest.fixture
def administrator(db):
    return make_user(Role.ADMINISTRATOR)


@pytest.fixture
def receiver():
    with receiving(answers(200, "thanks")) as found:
        yield found
