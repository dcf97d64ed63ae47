from django.http import HttpRequest

from accounts import stripe_gateway


def payments(request: HttpRequest) -> dict[str, bool]:
    """Whether the pages take payments, and whether those are of real money."""
    enabled = stripe_gateway.enabled()
    return {"takes_payments": enabled, "test_mode": enabled and not stripe_gateway.livemode()}
