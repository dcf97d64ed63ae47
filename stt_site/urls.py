from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

# Django's own form for it counts no attempts.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    # Before allauth's: the list of sessions at its address is ours.
    path("", include("accounts.web.urls")),
    path("accounts/", include("allauth.urls")),
    path("", include("transcripts.api.urls")),
    path("", include("transcripts.web.urls")),
]

handler429 = "accounts.web.patience.too_many"
