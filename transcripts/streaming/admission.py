"""Who opens a stream: a key in a header, a key or a stream's own token in the address or in the subprotocol."""

from accounts.services import access, stream_tokens
from accounts.services.access import Caller
from stt_site.lib import tokens
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.uploads.asgi import Scope, header

PROTOCOL = "steno.v1"
"""A browser sends ["steno.v1", TOKEN]: it can set no header, and an address ends up in logs."""


def identify(scope: Scope, token: str | None) -> tuple[Caller, int | None]:
    """The caller, and how many seconds the token allows. Reads the database. Raises ServiceError."""
    client = scope.get("client") or ("", 0)
    ip = access.client_ip(client[0], header(scope, "x-forwarded-for"))
    given = token or next((name for name in scope.get("subprotocols", []) if name != PROTOCOL), None)
    parsed = tokens.parse(given) if given else None
    if given and parsed is not None and parsed.kind == stream_tokens.KIND:
        admission = stream_tokens.redeem(given, ip)
        return admission.caller, admission.max_seconds
    authorization = f"Bearer {given}" if given else header(scope, "authorization")
    caller = access.identify(
        authorization=authorization,
        x_api_key=header(scope, "x-api-key"),
        session_user=None,
        ip=ip,
        scope="stream",
    )
    if caller.user is not None and not caller.user.is_active:
        raise ServiceError(ErrorCode.INVALID_API_KEY)
    return caller, None


def subprotocol(scope: Scope) -> str | None:
    return PROTOCOL if PROTOCOL in scope.get("subprotocols", []) else None
