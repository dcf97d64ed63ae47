"""The only way out: HTTP to places that a caller or the operator named."""

from stt_site.lib.outbound.client import Answer, Client, Limits, check_url, host_of
from stt_site.lib.outbound.errors import NotAllowed, OutboundError, TooLarge, Unreachable

__all__ = [
    "Answer",
    "Client",
    "Limits",
    "NotAllowed",
    "OutboundError",
    "TooLarge",
    "Unreachable",
    "check_url",
    "host_of",
]
