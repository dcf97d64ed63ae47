from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularJSONAPIView

from transcripts.api import views
from transcripts.api.dialects import registry
from transcripts.api.fallback import no_such_address, with_slash

urlpatterns: list[URLPattern | URLResolver] = [
    *registry.urlpatterns(),
    path("api/v1/transcripts/", views.TranscriptList.as_view()),
    path("api/v1/transcripts/<str:ref>/", views.TranscriptDetail.as_view()),
    path("api/v1/transcripts/<str:ref>/cancel/", views.TranscriptCancel.as_view()),
    path("api/v1/transcripts/<str:ref>/speakers/", views.TranscriptSpeakers.as_view()),
    path("api/v1/transcripts/<str:ref>/export/<str:export_format>/", views.TranscriptExport.as_view()),
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="openapi"),
    path("api/v1/", include("accounts.api.urls")),
    re_path(r"^api/v1/.*[^/]$", with_slash),
    re_path(r"^(?:v1|api)/", no_such_address),
]
