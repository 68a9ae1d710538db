"""The rules that scim2-server holds every storage to."""

import pytest
from django.core.cache import cache
from scim2_server.testing import SEARCH_USERS, ScimStorageContract

from tracker.scim.provider import PROVIDER
from tracker.scim.storage import DirectoryStorage

pytestmark = pytest.mark.django_db


class TestDirectoryStorage(ScimStorageContract):
    @pytest.fixture
    def provider(self):
        """Return what we serve, under its tolerance of what isn't kept."""
        cache.clear()
        with PROVIDER:
            yield PROVIDER

    @pytest.fixture
    def storage(self):
        return DirectoryStorage(source="Contract", actor=None)

    def search_users(self):
        return SEARCH_USERS
