"""How the OpenAPI document describes what every address has in common: whose it is, the ways to sign in, and what any
may answer. Importing it is enough."""

import re
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from transcripts.api.dialects import registry
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
MEANINGS = {
    **ALWAYS,
    **SIGNED_IN,
    **WITH_BODY,
    **WITH_NAME,
    "402": "No minutes are left, or the key has spent its own of this month.",
    "405": "The address does not take this method.",
    "408": "The upload stopped, or came too slowly.",
    "409": "It does not fit the present state, or the first request with this `Idempotency-Key` is not answered yet.",
    "422": "This `Idempotency-Key` was used for another request.",
    "500": "A fault of the server, which is logged.",
    "507": "The server's disk is full.",
}
"""Of a refusal whose view says no more about it."""

OWN = "/api/v1/"
OWN_TAGS = (
    (r"(transcripts|streams)/(?!\{ref\}/(turns|speakers|replace|undo|redo|history|versions)/)", "Transcripts"),
    (r"transcripts/", "Editing"),
    (r"webhooks/", "Webhooks"),
    (r"(account|keys|usage|cloud)/", "Account"),
)
"""Where an address of our own stands in the reference; one of another name stands under that."""


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
    used = set()
    for path, operations in result["paths"].items():
        for operation in (operations[method] for method in METHODS if method in operations):
            if path.startswith(OWN):
                operation["security"] = [way for way in operation.get("security", ()) if way]
            operation["tags"] = [_tag(path)]
            used.add(_tag(path))
            _add_answers(operation)
    result["tags"] = [{"name": name, "description": about} for name, about in _tags(used)]
    return result


def _tag(path: str) -> str:
    dialect = registry.dialect_for(path)
    if dialect is not None and not path.startswith(OWN):
        return dialect.name
    rest = path.removeprefix(OWN)
    return next((name for pattern, name in OWN_TAGS if re.match(pattern, rest)), rest.split("/")[0].capitalize())


def _tags(used: set[str]) -> list[tuple[str, str]]:
    """Our own addresses first, then each vendor's."""
    main, *others = registry.DIALECTS
    vendors = [each.name for each in (main, *others)]
    own = [name for _, name in OWN_TAGS]
    named = [name for name in own if name in used] + sorted(used - {*own, *vendors})
    return [
        (main.name, "A recording in, its text out in the same answer. STT.ai's clients speak it."),
        *((name, "") for name in named),
        *((each.name, f"For {each.name}'s own clients: this server's address, a key of yours.") for each in others),
    ]


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
    for status, answer in answers.items():
        answer["description"] = answer.get("description") or MEANINGS.get(status, "")


def _is_refusal(answers: dict[str, Any], status: str) -> bool:
    return status.startswith("4") and "content" in answers[status]
