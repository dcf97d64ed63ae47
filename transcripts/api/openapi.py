"""How the OpenAPI document describes the ways to sign in. Importing it is enough."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

KEY: list[dict[str, list[str]]] = [{"apiKey": []}]
KEY_OR_NOBODY: list[dict[str, list[str]]] = [{"apiKey": []}, {}]


class CallerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.authentication.CallerAuthentication"
    name = ["apiKey", "session"]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, Any]]:
        return [
            {"type": "http", "scheme": "bearer", "description": "An API key: `Authorization: Bearer stt_live_…`"},
            {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME},
        ]
