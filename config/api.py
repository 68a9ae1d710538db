"""How the API runs: read by REST framework and drf-spectacular from settings."""

from typing import Any

from config.env import env

API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=1200)
API_MAX_BODY_BYTES = 1024 * 1024
# What becomes of a department or cost centre that an identity tool names and nobody
# has entered: "unmatched" shows it on the sync page, "create" adds it.
SCIM_UNKNOWN_CODES = env.str("SCIM_UNKNOWN_CODES", default="unmatched")
if SCIM_UNKNOWN_CODES not in ("unmatched", "create"):
    raise SystemExit("SCIM_UNKNOWN_CODES must be unmatched or create.")

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tracker.api.authentication.ApiKeyAuthentication",
        "tracker.api.authentication.TokenAuthentication",
        "tracker.api.authentication.SessionReading",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["tracker.api.permissions.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["tracker.api.throttling.PerCaller"],
    "DEFAULT_PARSER_CLASSES": ["tracker.api.formats.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["tracker.api.formats.JSONRenderer"],
    # OPTIONS would describe fields by rules of its own, beside the schema.
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "tracker.api.errors.answer",
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "TEST_REQUEST_RENDERER_CLASSES": ["tracker.api.formats.JSONRenderer"],
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Engagement tracker",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "DESCRIPTION": (
        "Engagements with vendors, in both models: managed services and augmented "
        "contractors. Answers are JSON, refusals `application/problem+json`. Status "
        "400 means that the request breaks this schema, and nothing else."
    ),
    "LICENSE": {"name": "MIT"},
    "SCHEMA_PATH_PREFIX": r"/(api|hris)/v[0-9]",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "AUTHENTICATION_WHITELIST": [
        "tracker.api.authentication.ApiKeyAuthentication",
        "tracker.api.authentication.TokenAuthentication",
    ],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["tracker.api.schema.describe_problems"],
}
