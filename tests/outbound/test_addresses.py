"""S1 to S3 and S7: where no connection is made. Sockets are real, and a canary listens on all of this machine.

Names are resolved by the client's own seam, `resolver`, in place of a DNS server: what a server could do (answer
differently each time, mix, alias, lie) is what the seam can do, and the code under test sees only addresses either way.
That the seam is the only question asked, once a connection, is shown by counting. Literals go through the system's
resolver, which is what turns `0x7f.1` into an address.
"""

import random
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from stt_site.lib.outbound import Client, Limits, NotAllowed, OutboundError, Unreachable, check_url
from stt_site.lib.outbound.addresses import is_public, parsed
from tests.outbound.conftest import Canary
from tests.outbound.forms import urls
from tests.receivers import Says, receiving

QUICK = Limits(2, 2)
PUBLIC = "8.8.8.8 1.1.1.1 93.184.216.34 2606:4700:4700::1111 2001:4860:4860::8888 2a00:1450:4001::1 2400:cb00::1"
INSIDE = (
    *("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00:ec2::254"),
    *("::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"),
)


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where TCP connections were begun; to anywhere but this machine they fail at once, so nobody outside is asked."""
    begun: list[str] = []
    connect = socket.create_connection

    def watched(address: tuple[str, int], *rest: object, **more: object) -> socket.socket:
        begun.append(address[0])
        if address[0].startswith("127."):
            return connect(address, *rest, **more)  # type: ignore[arg-type]
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", watched)
    return begun


def ask(url: str, resolver: Callable[[str, int], list[str]] | None = None, redirects: int = 0) -> int:
    with Client(resolver=resolver).open("GET", url, limits=QUICK, redirects=redirects) as answer:
        answer.read(10_000)
        return answer.status


def test_the_forms_are_250_and_more() -> None:
    assert len(set(urls(1))) >= 250


def test_s1_no_form_of_a_private_address_is_connected_to(canary: Canary, connects: list[str]) -> None:
    for url in urls(canary.ports[0]):
        with pytest.raises(OutboundError) as caught:
            ask(url)
        assert isinstance(caught.value, NotAllowed | Unreachable), url
    assert canary.visits == 0
    # Of http://8.8.8.8#@127.0.0.1/: what "#" cuts off is no host.
    assert connects == ["8.8.8.8"]


def test_s1_the_same_form_is_refused_before_anybody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_lookup(*arguments: object, flags: int = 0, **more: object) -> list[object]:
        assert flags & socket.AI_NUMERICHOST
        raise OSError

    for host in ("2130706433", "0x7f.1", "[::1]", "①②⑦.⓪.⓪.①", "169.254.169.254"):
        with pytest.raises(NotAllowed):
            check_url(f"http://{host}/")
    monkeypatch.setattr(socket, "getaddrinfo", no_lookup)
    check_url("https://example.org/hook?key=a%20b")


@pytest.mark.parametrize("address", PUBLIC.split())
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(parsed(address))


def test_this_machine_is_not_public(monkeypatch: pytest.MonkeyPatch) -> None:
    class Own:
        def __init__(self, *_: object) -> None: ...
        def __enter__(self) -> "Own":
            return self

        def __exit__(self, *_: object) -> None: ...
        def connect(self, address: tuple[str, int]) -> None: ...
        def getsockname(self) -> tuple[str, int]:
            return ("93.184.216.34", 1)

    monkeypatch.setattr(socket, "socket", Own)
    assert not is_public(parsed("93.184.216.34"))
    assert is_public(parsed("93.184.216.35"))


def test_s2_a_thousand_names_that_change_their_address_reach_nothing_inside(
    canary: Canary, connects: list[str], settings: Settings
) -> None:
    """A name says a public address when it is looked at and a private one when it is connected to, or the reverse."""
    dice = random.Random(20261121)
    for number in range(1000):
        inside, asked = dice.choice(INSIDE), 0
        public_first = dice.random() < 0.5

        def rebinding(host: str, port: int) -> list[str]:
            nonlocal asked
            asked += 1
            return ["93.184.216.34"] if (asked == 1) == public_first else [inside]  # noqa: B023

        with pytest.raises(OutboundError):
            ask(f"http://a{number}.rebind.example:{dice.choice([80, 8080])}/", rebinding)
        assert asked == 1
    assert canary.visits == 0
    assert set(connects) == {"93.184.216.34"}


@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_s3_one_private_address_among_public_ones_spoils_them_all(
    canary: Canary, connects: list[str], inside: str, at: int
) -> None:
    found = ["93.184.216.34", "2606:4700:4700::1111"]
    found.insert(at, inside)
    with pytest.raises(NotAllowed):
        ask("http://mixed.example/", lambda host, port: found)
    assert connects == []


def test_what_the_operator_allows_is_reached_under_its_name(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]
    with receiving() as receiver:
        port = receiver.url.rpartition(":")[2]
        assert ask(f"http://bucket.internal:{port}/x?y=1'", lambda host, port: ["127.0.0.1"]) == 200
        with pytest.raises(NotAllowed):
            ask(f"http://[::ffff:127.0.0.1]:{port}/")
    assert receiver.got[0].headers["host"] == f"bucket.internal:{port}"
    assert receiver.got[0].path == "/x?y=1'"


def test_s7_nothing_of_the_environment_has_a_part_in_it(
    settings: Settings, canary: Canary, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.ports[0]}")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    with receiving(lambda _: Says(200, b"ok", {"Set-Cookie": "a=b"})) as receiver:
        assert ask(receiver.url) == ask(receiver.url) == 200
    assert canary.visits == 0
    assert set(receiver.got[1].headers) == {"host", "user-agent", "accept", "accept-encoding", "connection"}
