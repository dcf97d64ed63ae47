"""How the OpenAPI document describes what every address has in common: the ways to sign in, and what any may answer.
Importing it is enough."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from transcripts.uploads.gate import MAX_PLAIN_BODY

Security = list[dict[str, list[str]]]
KEY: Security = [{"apiKey": []}, {"xApiKey": []}]
KEY_OR_NOBODY: Security = [*KEY, {}]
METHODS = ("get", "post", "put", "patch", "delete")
OURS = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
ALWAYS = {
    "429": "Too many requests. `Retry-After` says when to come back.",
    "503": "The database does not answer. `Retry-After` says when to come back.",
}
SIGNED_IN = {
    "401": "No key or session, or one that is not valid.",
    "403": "The key lacks the scope that this needs.",
}
WITH_BODY = {
    "400": "The request is not valid.",
    "413": f"The file is larger than the plan allows, or a body without a file than {MAX_PLAIN_BODY} bytes.",
    "415": "The body is of another content type than this takes.",
}
WITH_NAME = {"404": "There is nothing of that name, or it is not yours."}


class CallerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.authentication.CallerAuthentication"
    name = ["apiKey", "xApiKey", "session"]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, Any]]:
        return [
            {"type": "http", "scheme": "bearer", "description": "An API key: `Authorization: Bearer stt_live_…`"},
            {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "The same key, as JigsawStack's."},
            {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME},
        ]

    def get_security_requirement(self, auto_schema: AutoSchema) -> Security:
        """Any one of them."""
        return [{name: []} for name in self.name]


def complete(result: dict[str, Any], generator: object, request: object, public: bool) -> dict[str, Any]:
    """Adds what views need not repeat. drf-spectacular's hook."""
    for path, operations in result["paths"].items():
        for operation in (operations[method] for method in METHODS if method in operations):
            if path.startswith("/api/v1/"):
                operation["security"] = [way for way in operation.get("security", ()) if way]
            _add_answers(operation)
    return result


def _add_answers(operation: dict[str, Any]) -> None:
    may = dict(ALWAYS)
    if any(operation.get("security", ())):
        may |= SIGNED_IN
    if "requestBody" in operation:
        may |= WITH_BODY
    if any(each["in"] == "path" for each in operation.get("parameters", ())):
        may |= WITH_NAME
    answers = operation["responses"]
    # Each API has a shape of its own for a refusal; whichever its view names first stands for all.
    shape = next((answers[status]["content"] for status in sorted(answers) if _is_refusal(answers, status)), OURS)
    for status, description in may.items():
        answers.setdefault(status, {"content": shape, "description": description})
        answers[status]["description"] = answers[status].get("description") or description


def _is_refusal(answers: dict[str, Any], status: str) -> bool:
    return status.startswith("4") and "content" in answers[status]
