from allauth.account.decorators import secure_admin_login
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

admin.site.site_header = admin.site.site_title = settings.PRODUCT_NAME
admin.site.index_title = "Administration"
# The first two show or run what nobody should there: secrets of the second step, calls of any function. The third
# searches for a name that users do not have.
for application in ("mfa", "django_q", "usersessions"):
    for model in apps.get_app_config(application).get_models():
        if admin.site.is_registered(model):
            admin.site.unregister(model)
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
