from django.urls import path

from accounts.web import keys, sessions, settings

urlpatterns = [
    path("account/", settings.account, name="account"),
    path("accounts/sessions/", sessions.sessions, name="usersessions_list"),
    path("keys/", keys.keys, name="keys"),
    path("keys/new/", keys.new, name="key_new"),
    path("keys/<int:pk>/revoke/", keys.revoke, name="key_revoke"),
]
