"""Files of the site under ASGI, where Django would read a plain iterator to its end first."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient
from pytest_django.fixtures import Settings

from stt_site.lib.streaming import BLOCK


@pytest.mark.filterwarnings("error:StreamingHttpResponse must consume")
@pytest.mark.parametrize(("asked", "status", "length"), [("", 200, 3 * BLOCK), ("bytes=1-300000", 206, 300_000)])
def test_a_file_is_sent_block_by_block(
    settings: Settings, tmp_path: Path, asked: str, status: int, length: int
) -> None:
    settings.STATIC_ROOT = tmp_path
    (tmp_path / "app.js").write_bytes(bytes(range(256)) * (3 * BLOCK // 256))

    async def ask() -> tuple[Any, list[bytes]]:
        answer: Any = await AsyncClient().get("/static/app.js", headers={"Range": asked} if asked else {})
        content: AsyncIterator[bytes] = answer.streaming_content
        return answer, [block async for block in content]

    answer, sent = async_to_sync(ask)()
    assert (answer.status_code, answer["Content-Length"]) == (status, str(length))
    assert max(map(len, sent)) <= BLOCK
    assert b"".join(sent) == (tmp_path / "app.js").read_bytes()[bool(asked) :][:length]
