from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.services import low_credits, profile
from accounts.services.ledger import balance

if TYPE_CHECKING:
    from accounts.models import User

THEMES = ("light", "dark")


def product(request: HttpRequest) -> dict[str, Any]:
    """The product's name and address, the theme of the cookie, and the minutes left (read only where shown)."""
    theme = request.COOKIES.get("theme", "")
    user = getattr(request, "user", AnonymousUser())
    member = cast("User", user)
    return {
        "product": settings.PRODUCT_NAME,
        "site_url": settings.SITE_URL,
        "mail_works": bool(settings.EMAIL_HOST),
        "free_minutes": settings.FREE_MINUTES_PER_MONTH,
        "theme": theme if theme in THEMES else "",
        "unconfirmed": SimpleLazyObject(lambda: _unconfirmed(user)),
        "low_credits": SimpleLazyObject(lambda: low_credits.left(cast("User", user)))
        if user.is_authenticated
        else None,
        "balance": SimpleLazyObject(lambda: balance(member)) if user.is_authenticated else None,
    }


def _unconfirmed(user: "User | AnonymousUser") -> str:
    """The address that waits for its confirmation, on a server that can send one."""
    if not (settings.EMAIL_HOST and user.is_authenticated):
        return ""
    return profile.unconfirmed(user)
