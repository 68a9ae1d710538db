"""Settings: one file; what differs between deployments comes from the environment."""

from typing import Any

from django.urls import reverse_lazy

from config.api import API_MAX_BODY_BYTES as API_MAX_BODY_BYTES
from config.api import API_REQUESTS_PER_MINUTE as API_REQUESTS_PER_MINUTE
from config.api import REST_FRAMEWORK as REST_FRAMEWORK
from config.api import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS
from config.env import data_dir, env, environment

ENVIRONMENT = environment()
IS_PRODUCTION = ENVIRONMENT == "production"
DATA_DIR = data_dir()

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str(
    "SECRET_KEY", default="" if IS_PRODUCTION else "only-for-a-trial-on-one-machine"
)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if IS_PRODUCTION else ["*"])
if IS_PRODUCTION and len(SECRET_KEY) < 50:
    raise SystemExit("SECRET_KEY must be set, 50 characters or longer, in production.")
if IS_PRODUCTION and not ALLOWED_HOSTS:
    raise SystemExit("ALLOWED_HOSTS must name the product's hosts in production.")

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "axes",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "engagements",
    "tracker",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

SQLITE_OPTIONS: dict[str, Any] = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL;"
        "PRAGMA synchronous=NORMAL;"
        "PRAGMA foreign_keys=ON;"
        "PRAGMA recursive_triggers=ON;"
    ),
}


def database() -> dict[str, Any]:
    """Return the one database; SQLite in DATA_DIR unless DATABASE_URL names another."""
    settings: dict[str, Any] = env.db_url(
        "DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'tracker.sqlite3'}"
    )
    options = settings.setdefault("OPTIONS", {})
    if settings["ENGINE"] == "django.db.backends.sqlite3":
        settings["OPTIONS"] = SQLITE_OPTIONS | options
        return settings
    # A socket's folder can stand in OPTIONS: merge, never overwrite.
    options.setdefault(
        "options",
        "-c lock_timeout=10s -c statement_timeout=120s"
        " -c idle_in_transaction_session_timeout=120s",
    )
    settings["CONN_HEALTH_CHECKS"] = True
    settings["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=600)
    return settings


DATABASES = {"default": database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "engagements.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
_VALIDATORS = "django.contrib.auth.password_validation."
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": _VALIDATORS + "UserAttributeSimilarityValidator"},
    {"NAME": _VALIDATORS + "MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": _VALIDATORS + "CommonPasswordValidator"},
    {"NAME": _VALIDATORS + "NumericPasswordValidator"},
]
LOGIN_URL = reverse_lazy("admin:login")
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]

LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.str("TIME_ZONE", default="Europe/London")
USE_TZ = True
USE_I18N = True

# The currency that every amount is also told in, so that sums can be made.
REPORTING_CURRENCY = env.str("REPORTING_CURRENCY", default="GBP")

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
MEDIA_ROOT = DATA_DIR / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if ENVIRONMENT == "test"
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
