"""HTTP to places that somebody else named, so that it reaches nothing that only this machine can reach.

No proxy, netrc or cookie of the environment has a part in it; nothing is decompressed; redirects are followed only on
request, each vetted anew, and without the headers that were meant for the first place.
"""

import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import httpcore2

from stt_site.lib.outbound.connect import Deadline, Resolver, VettedBackend, system_resolver, vet_literal
from stt_site.lib.outbound.errors import NotAllowed, TooLarge, Unreachable
from stt_site.lib.outbound.urls import Target, parse

REDIRECTS = frozenset({301, 302, 303, 307, 308})
SLOW_GRACE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds. `slowest`: bytes a second of the body, over all of it, from 30 s on."""

    headers: float = 60.0
    total: float = 300.0
    slowest: int = 0


class Answer:
    """Read it inside `Client.open`'s block."""

    def __init__(self, response: httpcore2.Response, target: Target, deadline: Deadline, limits: Limits) -> None:
        self.status = response.status
        self.target = target
        self.headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        self._response = response
        self._deadline = deadline
        self._limits = limits

    @property
    def length(self) -> int | None:
        """What is declared; the body may be another length."""
        declared = self.headers.get("content-length", "")
        return int(declared) if declared.isascii() and declared.isdigit() else None

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes. Raises Unreachable when it breaks off or comes too slowly."""
        began, size = time.monotonic(), 0
        with _translated():
            for piece in self._response.iter_stream():
                self._deadline.at_most()
                size += len(piece)
                waited = time.monotonic() - began
                if waited > SLOW_GRACE_SECONDS and size < self._limits.slowest * waited:
                    raise Unreachable("the body comes too slowly")
                yield piece

    def read(self, max_bytes: int) -> bytes:
        """Raises TooLarge beyond `max_bytes`."""
        body = bytearray()
        for piece in self.pieces():
            body += piece
            if len(body) > max_bytes:
                raise TooLarge(f"more than {max_bytes} bytes")
        return bytes(body)


class Client:
    def __init__(self, *, trusted: bool = False, resolver: Resolver | None = None) -> None:
        self._trusted = trusted
        self._resolver = resolver

    @contextmanager
    def open(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limits: Limits | None = None,
        redirects: int = 0,
    ) -> Iterator[Answer]:
        """Raises NotAllowed or Unreachable, before or while the answer is read. `redirects`: how many are followed;
        beyond that the answer is the redirect itself where none are wanted, else Unreachable."""
        limits = limits or Limits()
        deadline = Deadline(limits.headers)
        target, sent = parse(url), dict(headers or {})
        for left in range(redirects, -1, -1):
            with self._exchange(method, target, sent, body, deadline, limits) as answer:
                location = answer.headers.get("location") if answer.status in REDIRECTS else None
                if not redirects or location is None:
                    deadline.extend(limits.total - limits.headers)
                    yield answer
                    return
                if not left:
                    raise Unreachable("too many redirects")
                # Whatever the first place was to know, the next one is not.
                target, sent = target.joined(location), {}

    @contextmanager
    def _exchange(
        self,
        method: str,
        target: Target,
        sent: Mapping[str, str],
        body: bytes | None,
        deadline: Deadline,
        limits: Limits,
    ) -> Iterator[Answer]:
        backend = VettedBackend(deadline, self._resolver or system_resolver, trusted=self._trusted)
        url = httpcore2.URL(
            scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode()
        )
        connection = httpcore2.HTTPConnection(
            origin=url.origin, ssl_context=_tls() if target.scheme == "https" else None, network_backend=backend
        )
        request = httpcore2.Request(method, url, headers=_headers(target, sent, body), content=body)
        with connection:
            with _translated():
                response = connection.handle_request(request)
            yield Answer(response, target, deadline, limits)


def check_url(url: str) -> None:
    """Raises NotAllowed where the URL by itself shows that it may not be asked. Asks nobody, nor for a name."""
    target = parse(url)
    vet_literal(target.host, target.port)


def host_of(url: str) -> str:
    """With the port where it is not the scheme's own."""
    return parse(url).authority


def _headers(target: Target, sent: Mapping[str, str], body: bytes | None) -> list[tuple[str, str]]:
    own = {
        "Host": target.authority,
        "User-Agent": "Steno",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    if body is not None:
        own["Content-Length"] = str(len(body))
    return list({**own, **sent}.items())


@cache
def _tls() -> ssl.SSLContext:
    return httpcore2.default_ssl_context()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (httpcore2.ProtocolError, httpcore2.NetworkError, httpcore2.TimeoutException) as error:
        raise Unreachable(str(error) or type(error).__name__) from error
    except httpcore2.UnsupportedProtocol as error:
        raise NotAllowed(str(error)) from error
