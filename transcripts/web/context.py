from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.services.ledger import balance

THEMES = ("light", "dark")


def product(request: HttpRequest) -> dict[str, Any]:
    """The product's name and address, the theme of the cookie, and the minutes left (read only where shown)."""
    theme = request.COOKIES.get("theme", "")
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    return {
        "product": settings.PRODUCT_NAME,
        "site_url": settings.SITE_URL,
        "theme": theme if theme in THEMES else "",
        "balance": SimpleLazyObject(lambda: balance(user)) if signed_in else None,
    }
