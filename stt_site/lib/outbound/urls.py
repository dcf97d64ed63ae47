"""A URL is taken apart here, once: what is vetted, connected to and asked for are the same parts."""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import quote, urljoin, urlsplit

import idna

from stt_site.lib.outbound.errors import NotAllowed

LONGEST = 2048
PORTS = {"http": 80, "https": 443}
USUAL_PORTS = frozenset({80, 443, 8080, 8443})
HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")
KEPT = "%/:?#[]@!$&'()*+,;=~-._"


@dataclass(frozen=True, slots=True)
class Target:
    scheme: str
    host: str
    """ASCII; an IPv6 literal without its brackets."""
    port: int
    path: str
    """With the query."""

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"

    def joined(self, location: str) -> "Target":
        """Where a redirect from here leads. Raises NotAllowed, also from https to http."""
        there = parse(urljoin(str(self), location))
        if self.scheme == "https" and there.scheme == "http":
            raise NotAllowed("a redirect from https to http")
        return there


def parse(url: str) -> Target:
    """Raises NotAllowed for what is no plain http(s) URL."""
    if len(url) > LONGEST or not url.isprintable() or any(character in url for character in ' \\"<>'):
        raise NotAllowed("too long, or a character that no URL has")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NotAllowed(str(error)) from error
    if parts.scheme not in PORTS:
        raise NotAllowed(f"scheme {parts.scheme!r}")
    if "@" in parts.netloc or port == 0 or not parts.hostname:
        raise NotAllowed("credentials, no port or no host")
    path = quote(parts.path or "/", safe=KEPT) + (f"?{quote(parts.query, safe=KEPT)}" if parts.query else "")
    return Target(parts.scheme, _host(parts.hostname, bracketed="[" in parts.netloc), port or PORTS[parts.scheme], path)


def _host(host: str, *, bracketed: bool) -> str:
    try:
        if bracketed:
            return str(IPv6Address(host)) if "%" not in host else _refuse(host)
        name = host.lower() if host.isascii() else idna.encode(host, uts46=True).decode()
    except ValueError as error:  # idna's errors are UnicodeErrors
        raise NotAllowed(f"host {host!r}: {error}") from error
    return name if HOST.fullmatch(name) and len(name) <= 253 else _refuse(host)


def _refuse(host: str) -> str:
    raise NotAllowed(f"host {host!r}")
