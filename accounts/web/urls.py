from django.urls import path

from accounts.web import billing, keys, sessions, settings

urlpatterns = [
    path("account/", settings.account, name="account"),
    path("accounts/sessions/", sessions.sessions, name="usersessions_list"),
    path("billing/buy/", billing.buy, name="billing_buy"),
    path("billing/portal/", billing.portal, name="billing_portal"),
    path("billing/orders/<str:key>/", billing.order, name="billing_order"),
    path("billing/orders/<str:key>/state/", billing.order_state, name="billing_order_state"),
    path("stripe/webhook/", billing.webhook, name="stripe_webhook"),
    path("keys/", keys.keys, name="keys"),
    path("keys/new/", keys.new, name="key_new"),
    path("keys/<int:pk>/roll/", keys.roll, name="key_roll"),
    path("keys/<int:pk>/revoke/", keys.revoke, name="key_revoke"),
]
