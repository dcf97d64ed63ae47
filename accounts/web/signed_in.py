from typing import TYPE_CHECKING, cast

from django.http import HttpRequest

if TYPE_CHECKING:
    from accounts.models import User


def user_of(request: HttpRequest) -> "User":
    """The user behind `login_required`."""
    return cast("User", request.user)
