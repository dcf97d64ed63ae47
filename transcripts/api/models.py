"""The models as both families of clients list them: OpenAI's fields and the server's own."""

from typing import Any

from django.conf import settings

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import selectors


def listed() -> list[dict[str, Any]]:
    try:
        status = selectors.engine_status()
    except ServiceError:
        status = None
    installed = {model.id for model in status.models if model.installed} if status else set()
    return [
        {
            **named(model.id),
            "name": model.name,
            "description": model.description,
            "languages": model.languages,
            "speed": model.speed,
            "installed": model.id in installed,
            "default": status is not None and model.id == status.default_model,
        }
        for model in selectors.models()
    ]


def looked_up(model: str) -> dict[str, Any]:
    """One of the list; another vendor's name that is understood here. Raises UNKNOWN_MODEL."""
    found = next((item for item in listed() if item["id"] == model), None)
    if found is not None:
        return found
    if not selectors.is_alias(model):
        raise ServiceError(
            ErrorCode.UNKNOWN_MODEL, f"The model {model[:60]!r} does not exist. GET /v1/models lists them."
        )
    return named(model)


def named(model: str) -> dict[str, Any]:
    return {"id": model, "object": "model", "created": 0, "owned_by": settings.PRODUCT_NAME}
