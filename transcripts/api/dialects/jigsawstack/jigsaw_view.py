import time
from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.services import rate_limits
from accounts.visit import visit_of
from transcripts.api.dialects.base import DialectView
from transcripts.api.dialects.jigsawstack.errors import JigsawRefusal


class JigsawView(DialectView):
    refusal = JigsawRefusal()

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        for name, value in _standing(request._request).items():
            final.headers[f"x-jigsaw-rate-limit-{name}"] = str(value)
        return final


def _standing(request: HttpRequest) -> dict[str, int]:
    """`reset` is a Unix time in milliseconds. Of whoever was not let in nothing was counted."""
    standing = visit_of(request).standing
    now = round(time.time() * 1000)
    if standing is None:
        quota = rate_limits.BUCKETS["work"].quota
        return {"limit": quota, "remaining": quota, "reset": now}
    return {"limit": standing.bucket.quota, "remaining": standing.remaining, "reset": now + 1000 * standing.reset}
