from typing import Any

from stt_site.lib.errors import MEANINGS, ServiceError
from transcripts.api.dialects.base import Refusal


class SttAiRefusal(Refusal):
    """`{"error": "<sentence>"}`; both SDKs read that key. The statuses are the product's own."""

    statuses = {code: meaning.status for code, meaning in MEANINGS.items()}

    def body(self, error: ServiceError) -> dict[str, Any]:
        return {"error": error.message}
