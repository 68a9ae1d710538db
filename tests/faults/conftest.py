from tests.management.conftest import own_database, product

__all__ = ["own_database", "product"]
