"""Who is calling, and on which plan."""

import ipaddress
from dataclasses import dataclass

from django.conf import settings

from accounts.models import ApiKey, User
from accounts.services import api_keys, plans
from accounts.services.plans import Plan
from stt_site.lib.errors import ErrorCode, ServiceError


@dataclass(frozen=True)
class Caller:
    user: User | None
    api_key_id: int | None
    ip: str
    plan: Plan
    is_test: bool = False
    has_cap: bool = False

    @property
    def is_anonymous(self) -> bool:
        return self.user is None

    @property
    def key(self) -> str:
        """Whom limits count. An IPv6 customer has a whole /64, so that is one caller."""
        if self.user is not None:
            return f"user:{self.user.pk}"
        try:
            address = ipaddress.ip_address(self.ip)
        except ValueError:
            return "ip:unknown"
        if address.version == 6:
            return f"ip:{ipaddress.ip_network((address, 64), strict=False)}"
        return f"ip:{address}"


def identify(
    *,
    authorization: str | None,
    x_api_key: str | None,
    session_user: User | None,
    ip: str,
    scope: str = "transcribe",
) -> Caller:
    """A key, if one is given, decides alone: a bad one is refused and never taken for an anonymous call."""
    plaintext = _given_key(authorization, x_api_key)
    if plaintext is not None:
        key = api_keys.find(plaintext, ip)
        if key is None:
            raise ServiceError(ErrorCode.INVALID_API_KEY)
        if scope not in key.scopes:
            message = f"This API key may not do that: it lacks the scope {scope}. Nothing was charged."
            raise ServiceError(ErrorCode.MISSING_SCOPE, message)
        return caller_with(key, ip)
    user = session_user if session_user is not None and session_user.is_authenticated else None
    return Caller(user, None, ip, plans.plan_of(user))


def caller_with(key: ApiKey, ip: str) -> Caller:
    return Caller(key.user, key.pk, ip, plans.plan_of(key.user), key.is_test, key.monthly_minutes is not None)


def demand_open(user: User) -> None:
    """Inside the transaction that gives the user something: an account that is closed or suspended meanwhile gets
    nothing, and one that is closed later finds what it was given. Raises NOT_SIGNED_IN."""
    # no_key: whoever holds the ledger's lock of this user may write a row that names the user, such as a mail.
    if not User.objects.select_for_update(no_key=True).filter(pk=user.pk, is_active=True):
        message = "This account is closed or suspended. Nothing was stored or charged."
        raise ServiceError(ErrorCode.NOT_SIGNED_IN, message)


def _given_key(authorization: str | None, x_api_key: str | None) -> str | None:
    if authorization and authorization.strip():
        scheme, _, key = authorization.strip().partition(" ")
        if scheme.lower() != "bearer":
            message = "The Authorization header must be `Bearer` and an API key. Nothing was charged."
            raise ServiceError(ErrorCode.INVALID_API_KEY, message)
        return key.strip()
    if x_api_key and x_api_key.strip():
        return x_api_key.strip()
    return None


def client_ip(remote_addr: str, forwarded_for: str | None) -> str:
    """The nearest address that is not one of ours. X-Forwarded-For is anybody's to write, so only trusted proxies are
    believed, from the right. The word `unix` in TRUSTED_PROXIES stands for a proxy on a Unix socket."""
    client = _address(remote_addr) or ""
    hops = [hop for hop in (forwarded_for or "").split(",") if hop.strip()]
    while hops and _is_trusted(client):
        hop = _address(hops.pop())
        if hop is None:
            break
        client = hop
    return client


def _address(text: str) -> str | None:
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _is_trusted(address: str) -> bool:
    if not address:
        return "unix" in settings.TRUSTED_PROXIES
    networks = (ipaddress.ip_network(proxy, strict=False) for proxy in settings.TRUSTED_PROXIES if proxy != "unix")
    return any(ipaddress.ip_address(address) in network for network in networks)
