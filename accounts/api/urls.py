from django.urls import path

from accounts.api.views import AccountView, KeyRollView, KeysView, KeyView, UsageView

urlpatterns = [
    path("account/", AccountView.as_view(), name="api_account"),
    path("keys/", KeysView.as_view(), name="api_keys"),
    path("keys/<int:pk>/", KeyView.as_view(), name="api_key"),
    path("keys/<int:pk>/roll/", KeyRollView.as_view(), name="api_key_roll"),
    path("usage/", UsageView.as_view(), name="api_usage"),
]
