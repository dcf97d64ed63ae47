from django.urls import path

from accounts.web import keys, views

urlpatterns = [
    path("account/", views.account, name="account"),
    path("keys/", keys.keys, name="keys"),
    path("keys/new/", keys.new, name="key_new"),
    path("keys/<int:pk>/revoke/", keys.revoke, name="key_revoke"),
]
