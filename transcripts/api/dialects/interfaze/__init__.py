from transcripts.api.dialects.base import Dialect
from transcripts.api.dialects.interfaze.errors import InterfazeRefusal
from transcripts.uploads.policy import UploadPolicy

DIALECT = Dialect(
    name="Interfaze",
    urls="transcripts.api.dialects.interfaze.urls",
    refusal=InterfazeRefusal(),
    prefixes=("/v1/chat/",),
    uploads={"/v1/chat/completions": UploadPolicy("key", json_bytes=20_000_000)},
)
