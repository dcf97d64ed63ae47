"""Where connections are made: a name is resolved once, every address of it vetted, and one of those connected to."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from django.conf import settings
from httpcore2 import NetworkBackend, NetworkStream

from stt_site.lib.outbound.addresses import is_allowed, is_public, parsed
from stt_site.lib.outbound.errors import NotAllowed, Unreachable
from stt_site.lib.outbound.urls import USUAL_PORTS

RESOLVE_SECONDS = 5.0
CONNECT_SECONDS = 10.0
MOST_ADDRESSES = 4
"""Tried one after another."""

Resolver = Callable[[str, int], list[str]]


class Deadline:
    """Nothing of a request may take longer than what is left, however small the steps that it is made of."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def at_most(self, seconds: float | None = None) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise Unreachable("out of time")
        return left if seconds is None else min(left, seconds)

    def extend(self, seconds: float) -> None:
        self._end += seconds


def system_resolver(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class VettedBackend(NetworkBackend):
    """`trusted`: the operator chose the address, so it may lead anywhere."""

    def __init__(self, deadline: Deadline, resolver: Resolver, *, trusted: bool) -> None:
        self._deadline = deadline
        self._resolver = resolver
        self._trusted = trusted

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> NetworkStream:
        addresses = _resolved(self._resolver, host, port, self._deadline)
        if not self._trusted:
            _vet(addresses, port)
        for address in addresses[:MOST_ADDRESSES]:
            try:
                connection = socket.create_connection((address, port), self._deadline.at_most(CONNECT_SECONDS))
            except OSError:
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return TimedStream(connection, self._deadline)
        raise Unreachable(f"{host}: no address of it answers")


class TimedStream(NetworkStream):
    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._socket = connection
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            self._socket.settimeout(self._deadline.at_most(timeout))
            return self._socket.recv(max_bytes)
        except OSError as error:
            raise Unreachable(f"reading: {error}") from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        view = memoryview(buffer)
        try:
            while view:
                self._socket.settimeout(self._deadline.at_most(timeout))
                view = view[self._socket.send(view) :]
        except OSError as error:
            raise Unreachable(f"writing: {error}") from error

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> NetworkStream:
        try:
            # OpenSSL's handshake as a whole keeps to the time-out, not only each read of it.
            self._socket.settimeout(self._deadline.at_most(CONNECT_SECONDS))
            secured = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except (OSError, ValueError) as error:
            self.close()
            raise Unreachable(f"TLS: {error}") from error
        return TimedStream(secured, self._deadline)

    def close(self) -> None:
        self._socket.close()

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object":
            return self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        return None


def vet_literal(host: str, port: int) -> None:
    """Raises NotAllowed for an address, however it is written (2130706433, 0x7f.1), that may not be connected to. A
    name passes."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return
    _vet([str(entry[4][0]) for entry in found], port)


def _resolved(resolver: Resolver, host: str, port: int, deadline: Deadline) -> list[str]:
    """getaddrinfo knows no time limit; a thread that waits for it longer is left behind."""
    answer: Future[list[str]] = Future()

    def ask() -> None:
        try:
            answer.set_result(resolver(host, port))
        except (OSError, UnicodeError) as error:
            answer.set_exception(error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        addresses = answer.result(deadline.at_most(RESOLVE_SECONDS))
    except (OSError, UnicodeError) as error:  # TimeoutError is one
        raise Unreachable(f"{host} cannot be resolved: {error}") from error
    if not addresses:
        raise Unreachable(f"{host} has no address")
    return addresses


def _vet(addresses: list[str], port: int) -> None:
    """One address that may not be connected to spoils them all: the next answer might put it first."""
    for text in addresses:
        address = parsed(text)
        if is_allowed(address, settings.OUTBOUND_ALLOW):
            continue
        if port not in USUAL_PORTS:
            raise NotAllowed(f"port {port}")
        if not is_public(address):
            raise NotAllowed(f"{text} is not a public address")
