from transcripts.api.dialects.base import Dialect
from transcripts.api.dialects.stt_ai.errors import SttAiRefusal
from transcripts.uploads.policy import UploadPolicy

DIALECT = Dialect(
    name="STT.ai",
    urls="transcripts.api.dialects.stt_ai.urls",
    refusal=SttAiRefusal(),
    uploads={
        "/v1/transcribe": UploadPolicy("key", anonymous=True),
        "/v1/enhance-audio": UploadPolicy("key", bucket="text", costs_credits=False),
        "/v1/tts": UploadPolicy("key", file_fields=frozenset({"reference"}), bucket="text", costs_credits=False),
    },
    # The main system: what no other dialect claims answers in its shape.
    prefixes=("/v1/", "/api/", "/health", "/openapi.json"),
)
