from transcripts.api.dialects.base import Dialect
from transcripts.api.dialects.stt_ai.errors import SttAiRefusal

DIALECT = Dialect(
    name="STT.ai",
    urls="transcripts.api.dialects.stt_ai.urls",
    refusal=SttAiRefusal(),
    # The main system: what no other dialect claims answers in its shape.
    prefixes=("/v1/", "/api/", "/health", "/openapi.json"),
)
