from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path

from transcripts.api.dialects.sixtydb import views
from transcripts.api.fallback import no_such_address


def alive(request: HttpRequest) -> HttpResponse:
    """What load balancers ask beside the socket at the same address (transcripts/streaming/sixtydb_socket.py)."""
    return HttpResponse("ok", content_type="text/plain")


urlpatterns = [
    path("ws/stt", alive),
    path("ws/health", alive),
    path("stt", views.Stt.as_view()),
    path("stt/models", views.Models.as_view()),
    path("stt/languages", views.Languages.as_view()),
    re_path(r"^stt/", no_such_address),
]
