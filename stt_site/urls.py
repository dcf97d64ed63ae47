from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("", include("transcripts.api.urls")),
    path("", include("accounts.web.urls")),
    path("", include("transcripts.web.urls")),
]
