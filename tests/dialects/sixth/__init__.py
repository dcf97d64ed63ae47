from typing import Any

from stt_site.lib.errors import MEANINGS, ServiceError
from transcripts.api.dialects.base import Dialect, Refusal
from transcripts.uploads.policy import UploadPolicy


class SixthRefusal(Refusal):
    statuses = {code: meaning.status for code, meaning in MEANINGS.items()}

    def body(self, error: ServiceError) -> dict[str, Any]:
        return {"ok": False, "why": error.message}


DIALECT = Dialect(
    name="Sixth",
    urls="tests.dialects.sixth.views",
    refusal=SixthRefusal(),
    prefixes=("/sixth/",),
    uploads={"/sixth/hear": UploadPolicy("key", file_fields=frozenset({"sound"}))},
)
