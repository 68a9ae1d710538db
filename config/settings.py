"""Settings: one file; what differs between deployments comes from the environment."""

from typing import Any

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy

from config.api import API_MAX_BODY_BYTES as API_MAX_BODY_BYTES
from config.api import API_REQUESTS_PER_MINUTE as API_REQUESTS_PER_MINUTE
from config.api import REST_FRAMEWORK as REST_FRAMEWORK
from config.api import SCIM_UNKNOWN_CODES as SCIM_UNKNOWN_CODES
from config.api import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS
from config.env import (
    BASE_DIR,
    allowed_hosts,
    amount,
    broker,
    cache,
    data_dir,
    env,
    environment,
    identity_providers,
    log_format,
    log_level,
    secret_key,
    trusted_proxies,
)
from config.languages import ENGLISH, compiled_catalogues
from config.languages import LANGUAGES as LANGUAGES
from config.logs import logging_config
from config.unfold import UNFOLD as UNFOLD

ENVIRONMENT = environment()
IS_PRODUCTION = ENVIRONMENT == "production"
DATA_DIR = data_dir()

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = secret_key(is_production=IS_PRODUCTION, data_dir=DATA_DIR)
# Former keys, while what they signed is still to be believed.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = allowed_hosts(is_production=IS_PRODUCTION)
TRUSTED_PROXIES = trusted_proxies()

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "axes",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.idp.oidc",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "engagements",
    "tracker",
]

MIDDLEWARE = [
    "config.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.middleware.AdminPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.middleware.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "config.signon.SecondStepMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
# What the administrator's home page asks, like the probe of readiness.
READINESS = "config.health.readiness"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # What stands here takes the place of a package's own template.
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tracker.admin.alerts.bell",
                "tracker.dashboards.topics.navigation.topics_open",
            ],
        },
    },
]

SQLITE_OPTIONS: dict[str, Any] = {
    "transaction_mode": "IMMEDIATE",
    # Writers don't wait in turn: each looks again every tenth of a second, and whoever
    # looks first goes on. Of twenty that write without a pause one was seen to wait
    # for 18 seconds.
    "timeout": 60,
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

_IN_MEMORY = "django.core.cache.backends.locmem.LocMemCache"
CACHES: dict[str, dict[str, Any]] = {
    # What is counted: requests of API keys, tries to sign on. All workers share it.
    "default": cache(is_test=ENVIRONMENT == "test", data_dir=DATA_DIR),
    # Contents of pages, of half a megabyte at most, in each web process by itself.
    # Their names hold the version of the data: they never grow old, but are given up,
    # those not asked for longest first.
    "pages": {
        "BACKEND": _IN_MEMORY,
        "LOCATION": "pages",
        "TIMEOUT": None,
        "OPTIONS": {"MAX_ENTRIES": 64},
    },
}

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
LOGIN_REDIRECT_URL = "/"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]
AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "config.client_address.client_address"

# Signing on beyond passwords: config/signon.py and docs/operations.md.
ACCOUNT_ADAPTER = "config.signon.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
MFA_ADAPTER = "config.signon.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Engagement tracker"
# Sends everyone who signs on by password to set up a second step.
REQUIRE_SECOND_STEP = env.bool("REQUIRE_SECOND_STEP", default=False)
SOCIALACCOUNT_ADAPTER = "config.signon.SocialAccountAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_PROVIDERS = identity_providers()
# Passwords then work for superusers alone: the way in when the provider is down.
SSO_ONLY = env.bool("SSO_ONLY", default=False)
if SSO_ONLY and not SOCIALACCOUNT_PROVIDERS:
    raise SystemExit("SSO_ONLY needs an identity provider: set OIDC_ISSUER.")

LANGUAGE_CODE = ENGLISH
LOCALE_PATHS = [compiled_catalogues(DATA_DIR)]
FORMAT_MODULE_PATH = ["config.formats"]
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SECURE = IS_PRODUCTION
TIME_ZONE = env.str("TIME_ZONE", default="Europe/London")
USE_TZ = True
USE_I18N = True

# The currency that every amount is also told in, so that sums can be made.
REPORTING_CURRENCY = env.str("REPORTING_CURRENCY", default="GBP")
# Where newer reference rates are fetched each day; blank for the shipped ones alone.
FX_RATES_URL = env.str("FX_RATES_URL", default="")
# A last known rate that is older is refused.
FX_OLDEST_DAYS = env.int("FX_OLDEST_DAYS", default=366)
if FX_OLDEST_DAYS < 1:
    raise SystemExit("FX_OLDEST_DAYS must be a number of days, 1 or more.")
# The most that is billed and paid into the ledger in one day, in the reporting
# currency; blank or 0 for no such cap.
DAILY_POSTING_CAP = amount("DAILY_POSTING_CAP")
# 1 makes the fiscal year the calendar year.
FISCAL_YEAR_START_MONTH = env.int("FISCAL_YEAR_START_MONTH", default=4)
if FISCAL_YEAR_START_MONTH not in range(1, 13):
    raise SystemExit("FISCAL_YEAR_START_MONTH must be the number of a month, 1 to 12.")

# How often a running engagement is reviewed; 0 asks for no reviews, by schedule or
# before an extension.
REVIEW_EVERY_MONTHS = env.int("REVIEW_EVERY_MONTHS", default=3)
if REVIEW_EVERY_MONTHS not in range(25):
    raise SystemExit("REVIEW_EVERY_MONTHS must be a number of months, 0 to 24.")

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
# Has no URL: what is in it is served by views that ask who may see it.
MEDIA_ROOT = DATA_DIR / "media"
DOCUMENT_MAX_BYTES = env.int("DOCUMENT_MAX_MB", default=25) * 1024 * 1024
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if ENVIRONMENT == "test"
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}


# Strict everywhere: no inline script or style, nothing from another host.
# AdminPolicyMiddleware widens it for the admin's pages alone.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
if IS_PRODUCTION:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    # Probes reach the process directly, without the proxy that speaks TLS.
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=365 * 24 * 60 * 60)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    # The prefix makes the browser refuse such a cookie from any other host or path.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"


def mail() -> dict[str, Any]:
    """Return how mail is sent: shown in the worker's log, in production by SMTP."""
    default = "smtp://localhost:25" if IS_PRODUCTION else "consolemail://"
    try:
        found: dict[str, Any] = env.email_url("EMAIL_URL", default=default)
    except (ImproperlyConfigured, ValueError):
        raise SystemExit(
            "EMAIL_URL must be such as smtp+tls://user:password@host:587."
        ) from None
    return found


MAIL = mail()
EMAIL_BACKEND = MAIL["EMAIL_BACKEND"]
EMAIL_HOST = MAIL["EMAIL_HOST"]
EMAIL_PORT = MAIL["EMAIL_PORT"]
EMAIL_HOST_USER = MAIL["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = MAIL["EMAIL_HOST_PASSWORD"]
EMAIL_FILE_PATH = MAIL["EMAIL_FILE_PATH"]
EMAIL_USE_TLS = MAIL.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = MAIL.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str(
    "DEFAULT_FROM_EMAIL", default="Engagement tracker <tracker@localhost>"
)
# Where people reach the product, such as https://tracker.example.org: mails have no
# request to learn it from, and without it carry no links.
PUBLIC_URL = env.str("PUBLIC_URL", default="").rstrip("/")

# Lets webhooks go to this very machine, without TLS: for trying them out.
WEBHOOK_ALLOW_LOOPBACK = env.bool("WEBHOOK_ALLOW_LOOPBACK", default=False)
if WEBHOOK_ALLOW_LOOPBACK and IS_PRODUCTION:
    raise SystemExit("WEBHOOK_ALLOW_LOOPBACK is for trials, not for production.")
# An endpoint at which nothing arrived for so long is turned off.
WEBHOOK_DISABLE_AFTER_DAYS = env.int("WEBHOOK_DISABLE_AFTER_DAYS", default=5)
# What was sent, with its answers, is erased after so long; the stream is kept.
WEBHOOK_LOG_DAYS = env.int("WEBHOOK_LOG_DAYS", default=30)
for _days in (WEBHOOK_DISABLE_AFTER_DAYS, WEBHOOK_LOG_DAYS):
    if _days < 1:
        raise SystemExit("WEBHOOK_…_DAYS must be a number of days, 1 or more.")

LOGGING = logging_config(log_format=log_format(), level=log_level())

# What is due is kept in the database; a message only says that there is work.
# So a task may run twice, or its message be lost, and it must bear both.
BROKER = broker(
    default_url="memory://" if ENVIRONMENT == "test" else "", data_dir=DATA_DIR
)
CELERY_BROKER_URL = BROKER.url
CELERY_BROKER_TRANSPORT = BROKER.transport
CELERY_BROKER_TRANSPORT_OPTIONS = BROKER.options
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.1}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SOFT_TIME_LIMIT = 55 * 60
CELERY_TASK_TIME_LIMIT = 60 * 60
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 8.0
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
# Over folders, each question of the remote control would leave a file behind.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = BROKER.transport is None
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
