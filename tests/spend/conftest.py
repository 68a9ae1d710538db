import pytest

from engagements.choices import Role
from engagements.models import User
from tests.factories import make_user


@pytest.fixture
def finance(db: None) -> User:
    return make_user(Role.FINANCE)
