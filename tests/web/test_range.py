"""The audio answers byte ranges as RFC 9110 says, so that a browser can seek."""

import asyncio
import io

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from django.test import Client

from accounts.models import User
from stt_site.lib.streaming import BLOCK
from tests.web import rows
from transcripts.models import Playback
from transcripts.web.range import Unsatisfiable, asked_range, ranged

BODY = bytes(range(256)) * 4


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-9", (0, 9)),
        ("bytes=1000-", (1000, 1023)),
        ("bytes=0-99999", (0, 1023)),
        ("bytes=-24", (1000, 1023)),
        ("bytes=-99999", (0, 1023)),
        ("bytes=1023-1023", (1023, 1023)),
        ("bytes=9-3", None),
        ("bytes=0-9,20-29", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("items=0-9", None),
        ("", None),
    ],
)
def test_what_a_range_header_asks_for(header: str, span: tuple[int, int] | None) -> None:
    assert asked_range(header, 1024) == span


@pytest.mark.parametrize("header", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_a_range_behind_the_end_cannot_be_given(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        asked_range(header, 1024)


@pytest.fixture
def address(alice: User) -> str:
    return f"/transcripts/{rows.with_playback(rows.transcript(alice), BODY).slug}/audio/"


def body(answer: object) -> bytes:
    assert isinstance(answer, StreamingHttpResponse)
    return b"".join(answer.streaming_content)  # type: ignore[arg-type]


def test_the_whole_file(page: Client, address: str) -> None:
    answer = page.get(address)
    assert (answer.status_code, answer["Content-Length"], answer["Accept-Ranges"]) == (200, "1024", "bytes")
    assert answer["Content-Type"] == "audio/mp4"
    assert body(answer) == BODY


def test_a_part_of_it(page: Client, address: str) -> None:
    answer = page.get(address, headers={"range": "bytes=100-199"})
    assert (answer.status_code, answer["Content-Range"], answer["Content-Length"]) == (206, "bytes 100-199/1024", "100")
    assert body(answer) == BODY[100:200]


def test_nothing_behind_the_end(page: Client, address: str) -> None:
    answer = page.get(address, headers={"range": "bytes=2000-"})
    assert (answer.status_code, answer["Content-Range"]) == (416, "bytes */1024")


def test_head_has_the_headers_alone(page: Client, address: str) -> None:
    answer = page.head(address, headers={"range": "bytes=0-99"})
    assert (answer.status_code, answer["Content-Length"], answer.content) == (206, "100", b"")


def test_if_range_of_another_version_gives_the_whole_file(page: Client, address: str) -> None:
    etag = page.get(address)["ETag"]
    same = page.get(address, headers={"range": "bytes=0-9", "if-range": etag})
    other = page.get(address, headers={"range": "bytes=0-9", "if-range": '"older"'})
    assert (same.status_code, other.status_code) == (206, 200)
    assert page.get(address, headers={"if-none-match": etag}).status_code == 304


def test_audio_that_is_not_made_yet(page: Client, alice: User) -> None:
    made = rows.transcript(alice, playback=Playback.PENDING)
    assert page.get(f"/transcripts/{made.slug}/audio/").status_code == 409
    assert page.get(f"/transcripts/{made.slug}/peaks/").status_code == 404


def test_a_server_of_the_asgi_kind_reads_a_block_at_a_time_and_closes_the_file() -> None:
    file = io.BytesIO(bytes(3 * BLOCK))
    request = ASGIRequest(
        {"type": "http", "method": "GET", "path": "/", "headers": [(b"range", b"bytes=5-")]}, io.BytesIO()
    )
    answer = ranged(request, file, 3 * BLOCK, "audio/mp4", '"x"')
    assert isinstance(answer, StreamingHttpResponse)
    assert answer.is_async

    async def sizes() -> list[int]:
        return [len(block) async for block in answer]

    assert asyncio.run(sizes()) == [BLOCK, BLOCK, BLOCK - 5]
    assert file.closed
