from typing import Any

from stt_site.lib.errors import MEANINGS, ServiceError
from transcripts.api.dialects.base import Refusal


class JigsawRefusal(Refusal):
    """Both SDKs read `message` and `error`; the JavaScript one throws the parsed body as it is, so every error is JSON.
    The statuses are the product's own."""

    statuses = {code: meaning.status for code, meaning in MEANINGS.items()}

    def body(self, error: ServiceError) -> dict[str, Any]:
        return {"success": False, "message": error.message, "error": error.code.value, "log_id": error.request_id}
