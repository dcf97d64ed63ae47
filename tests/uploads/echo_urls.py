import hashlib
from pathlib import Path

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request
from rest_framework.response import Response

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.api.dialects.stt_ai.views import SttAiView
from transcripts.uploads.received import received


class Echo(SttAiView):
    authentication_classes = ()

    def post(self, request: Request) -> Response:
        got = received(request._request)
        if got.fields.get("wait"):
            note = Path(got.fields["wait"][0])
            note.with_suffix(".waiting").touch()
            note.with_suffix(".left" if got.abandoned.wait(30) else ".never").touch()
        if got.fields.get("refuse"):
            raise ServiceError(ErrorCode.UNSUPPORTED_MEDIA)
        file = got.file
        return Response(
            {
                "fields": dict(got.fields),
                "posted": dict(request.POST.lists()),
                "caller": got.caller.key,
                "file": file
                and {
                    "filename": file.filename,
                    "size": file.size,
                    "sha256": file.sha256,
                    "mode": oct(file.path.stat().st_mode & 0o777),
                    "read_back": hashlib.sha256(file.path.read_bytes()).hexdigest(),
                },
            }
        )


def page(request: HttpRequest) -> HttpResponse:
    """As a page does it: refusals become a sentence on it, and CSRF is the middleware's."""
    try:
        got = received(request)
    except ServiceError as error:
        return HttpResponse(f"page says: {error.message}", status=error.status)
    return HttpResponse(f"page got {got.recording().size} bytes")


@csrf_exempt
def plain(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"size": len(request.body)})


urlpatterns = [
    path("v1/transcribe", Echo.as_view()),
    path("try/", page),
    path("new/", page),
    path("plain/", plain),
    path("", include("stt_site.urls")),
]
