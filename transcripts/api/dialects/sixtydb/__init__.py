from accounts.services.plans import MEGABYTE
from transcripts.api.dialects.base import Dialect
from transcripts.api.dialects.sixtydb.errors import SixtyDbRefusal
from transcripts.uploads.policy import UploadPolicy

DIALECT = Dialect(
    name="60db",
    urls="transcripts.api.dialects.sixtydb.urls",
    refusal=SixtyDbRefusal(),
    prefixes=("/stt",),
    uploads={"/stt": UploadPolicy("key", file_fields=frozenset({"file", "audio"}), max_file_bytes=10 * MEGABYTE)},
)
