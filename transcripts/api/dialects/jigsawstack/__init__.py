from transcripts.api.dialects.base import Dialect
from transcripts.api.dialects.jigsawstack.errors import JigsawRefusal
from transcripts.api.dialects.jigsawstack.request import LONGEST_TEXT, MAX_FILE_BYTES
from transcripts.uploads.policy import UNTYPED, UploadPolicy

MEDIA = ("audio/", "video/", "application/ogg", UNTYPED)
ANYTHING = ("",)
DIALECT = Dialect(
    name="JigsawStack",
    urls="transcripts.api.dialects.jigsawstack.urls",
    refusal=JigsawRefusal(),
    uploads={
        "/v1/ai/transcribe": UploadPolicy("key", max_file_bytes=MAX_FILE_BYTES, json_bytes=LONGEST_TEXT, raw=MEDIA),
        "/v1/store/file": UploadPolicy(
            "key", scope="write", bucket="uploads", costs_credits=False, max_file_bytes=MAX_FILE_BYTES, raw=ANYTHING
        ),
    },
    prefixes=("/v1/ai/", "/v1/store/"),
)
