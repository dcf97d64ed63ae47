from transcripts.api.dialects.base import Dialect
from transcripts.api.dialects.openai.errors import MAX_FILE_BYTES, OpenAIRefusal
from transcripts.uploads.policy import UploadPolicy

CLIPS = frozenset({"known_speaker_references", "known_speaker_references[]"})
DIALECT = Dialect(
    name="OpenAI",
    urls="transcripts.api.dialects.openai.urls",
    refusal=OpenAIRefusal(),
    # Its clients ask for /v1/responses too, which is not here: they have to read the 404.
    uploads={
        "/v1/audio/transcriptions": UploadPolicy("key", max_file_bytes=MAX_FILE_BYTES, clip_fields=CLIPS),
        "/v1/audio/translations": UploadPolicy("key", max_file_bytes=MAX_FILE_BYTES),
    },
    prefixes=("/v1/audio/", "/v1/models/", "/v1/responses"),
)
