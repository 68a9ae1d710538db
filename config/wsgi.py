import os

from django.core.wsgi import get_wsgi_application
from django.urls import reverse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
# By this all pages are loaded, which the first request would do otherwise: before
# workers are forked, where they are.
reverse("admin:index")
