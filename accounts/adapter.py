from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from accounts.services.access import client_ip


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def get_client_ip(self, request: HttpRequest) -> str:
        """What sign-in attempts are counted by: believes only the proxies that the API believes."""
        ip = client_ip(request.META.get("REMOTE_ADDR") or "", request.META.get("HTTP_X_FORWARDED_FOR"))
        return ip or "unknown"
