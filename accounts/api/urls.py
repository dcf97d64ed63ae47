from django.urls import path

from accounts.api.views import AccountView, CloudView, KeyRollView, KeysView, KeyView, UsageView

urlpatterns = [
    path("account/", AccountView.as_view(), name="api_account"),
    path("keys/", KeysView.as_view(), name="api_keys"),
    path("keys/<int:pk>/", KeyView.as_view(), name="api_key"),
    path("keys/<int:pk>/roll/", KeyRollView.as_view(), name="api_key_roll"),
    path("cloud/", CloudView.as_view(), name="api_cloud"),
    path("usage/", UsageView.as_view(), name="api_usage"),
]
