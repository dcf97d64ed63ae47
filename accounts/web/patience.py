from typing import NoReturn

from django.http import HttpRequest

from accounts.services import patience
from stt_site.lib.errors import ErrorCode, ServiceError

ACTIONS = {
    "account_login": "login",
    "account_signup": "signup",
    "account_reset_password": "reset_password",
    "account_reset_password_from_key": "reset_password_from_key",
    "account_change_password": "change_password",
    "account_set_password": "change_password",
    "account_email": "manage_email",
    "account_reauthenticate": "reauthenticate",
    "mfa_reauthenticate": "reauthenticate",
}
"""What allauth counts, by the page it is counted on."""


def too_many(request: HttpRequest) -> NoReturn:
    """allauth's answer to one try too many. It names no limit, so the page says which it was."""
    action = ACTIONS.get(request.resolver_match.url_name or "") if request.resolver_match else None
    key = request.POST.get("email", "").lower()
    wait = max(1, patience.seconds_left(request, action, key)) if action else 60
    message = f"Too many tries from here. Nothing was changed; try again in {patience.in_words(wait)}."
    raise ServiceError(ErrorCode.RATE_LIMIT, message, retry_after=wait)
