from config.celery import app as celery_app

# Importing any part of config makes this the app that shared tasks join.
__all__ = ["celery_app"]
