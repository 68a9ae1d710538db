"""config.settings, over a folder of its own that is removed at the end."""

import atexit
import os
import shutil
import tempfile

# Set before config.settings reads them. Workers of pytest-xdist inherit the folder
# from the process that made it, and leave it to that one to remove.
os.environ["TRACKER_ENV"] = "test"
if "TEST_DATA_DIR" not in os.environ:
    os.environ["TEST_DATA_DIR"] = tempfile.mkdtemp(prefix="tracker-test-")
    atexit.register(shutil.rmtree, os.environ["TEST_DATA_DIR"], ignore_errors=True)
os.environ["DATA_DIR"] = os.environ["TEST_DATA_DIR"]

from config.settings import *  # noqa: F403 - settings are names, all of them
from config.settings import DATA_DIR, DATABASES, STATIC_ROOT

# Static files come from the apps themselves; whitenoise asks for its folder all the
# same.
STATIC_ROOT.mkdir(exist_ok=True)

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, as in use: in memory, threads would share one connection, and neither
    # locks nor the write-ahead log would be tried.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"
elif MIGRATED_DATABASE := os.environ.get("MIGRATED_DATABASE"):
    DATABASES["default"]["TEST"] = {"TEMPLATE": MIGRATED_DATABASE}

# What runs for months without a review is the rule in tests; those of reviews ask.
REVIEW_EVERY_MONTHS = 0

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
