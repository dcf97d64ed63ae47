from transcripts.api.dialects.base import Dialect
from transcripts.api.dialects.interfaze.errors import InterfazeRefusal

DIALECT = Dialect(
    name="Interfaze",
    urls="transcripts.api.dialects.interfaze.urls",
    refusal=InterfazeRefusal(),
    prefixes=("/v1/chat/",),
)
