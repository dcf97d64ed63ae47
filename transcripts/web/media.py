from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import selectors
from transcripts.web.range import ranged

if TYPE_CHECKING:
    from transcripts.models import Transcript

AUDIO = "audio/mp4"


@require_safe
def audio(request: HttpRequest, transcript: "Transcript") -> HttpResponseBase:
    file = selectors.playback_file(transcript.media)
    return ranged(request, file, file.size, AUDIO, f'"{transcript.media.key}"')


@require_safe
def peaks(request: HttpRequest, transcript: "Transcript") -> HttpResponse:
    """One byte a peak, 0..255, evenly spaced over the whole recording."""
    if not transcript.media.peaks:
        raise ServiceError(ErrorCode.NOT_FOUND)
    headers = {"ETag": f'"peaks-{transcript.media.key}"', "Cache-Control": "private, max-age=86400"}
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(bytes(transcript.media.peaks), content_type="application/octet-stream", headers=headers)
