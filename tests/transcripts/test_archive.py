"""Taking everything away in one ZIP."""

import csv
import io
import json
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from accounts.models import User
from accounts.services import api_keys, ledger
from tests.accounts.test_second_factor import prove
from tests.web import rows
from transcripts import storage
from transcripts.models import JobState, Transcript
from transcripts.services import archive

pytestmark = pytest.mark.django_db
PAGE = "/account/export/"
FILE = "/account/export/file/"


def with_recording(made: Transcript, body: bytes = b"RIFF sound", name: str = "talk.wav") -> Transcript:
    with storage.scratch_file() as file:
        file.write_bytes(body)
        storage.store(made.media.key, storage.SOURCE, file)
    made.media.filename, made.media.size = name, len(body)
    made.media.save()
    return made


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    prove(client, PAGE)
    return client


def unpacked(answer: Any) -> dict[str, bytes]:
    with ZipFile(io.BytesIO(b"".join(answer))) as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


def test_the_zip_has_all_there_is(page: Client, alice: User, bob: User) -> None:
    made = with_recording(rows.transcript(alice), name="../../etc/a talk?.wav")
    failed = rows.transcript(alice, title="Broken", state=JobState.FAILED)
    rows.transcript(bob, title="Bob's own")
    _, plaintext = api_keys.create_key(alice, "Laptop")
    ledger.grant(alice, 5_000, actor="test", reason="=cmd|' /C calc'!A0")
    ledger.reserve(alice, "job:7", 2_000)
    ledger.settle("job:7", 1_500)
    answer = page.get(FILE, {"recordings": "on"})
    assert answer["Content-Disposition"].startswith('attachment; filename="account-')
    assert answer["Content-Type"] == "application/zip"
    files = unpacked(answer)
    folder = f"transcripts/{made.slug}"
    assert sorted(files) == sorted(
        [
            "README.txt",
            "account.json",
            "ledger.csv",
            f"{folder}/about.json",
            f"{folder}/transcript.json",
            f"{folder}/transcript.txt",
            f"{folder}/recording/-..-etc-a talk-.wav",
            f"transcripts/{failed.slug}/about.json",
        ]
    )
    assert files[f"{folder}/recording/-..-etc-a talk-.wav"] == b"RIFF sound"
    assert b"The brief is a remote" in files[f"{folder}/transcript.txt"]
    assert json.loads(files[f"{folder}/transcript.json"])["segments"]
    account = json.loads(files["account.json"])
    assert (account["email"], account["api_keys"][0]["name"]) == ("alice@example.com", "Laptop")
    assert plaintext.encode() not in b"".join(files.values())
    assert failed.media.filename in files["README.txt"].decode()  # its recording is not there

    entries = list(csv.DictReader(io.StringIO(files["ledger.csv"].decode())))
    assert [(row["kind"], row["reference"]) for row in entries[-2:]] == [("reserve", "job:7"), ("settle", "job:7")]
    assert sum(float(row["credits"]) for row in entries) == pytest.approx(600 + 5 - 1.5)
    assert sum(float(row["held"]) for row in entries) == 0
    assert any(row["note"].startswith("'=cmd") for row in entries)


def test_without_the_recordings_it_is_text(page: Client, alice: User) -> None:
    made = with_recording(rows.transcript(alice))
    files = unpacked(page.get(FILE))
    assert f"transcripts/{made.slug}/transcript.txt" in files
    assert not any("recording" in name for name in files)


def test_it_asks_for_the_password_first(alice: User) -> None:
    browser = Client()
    assert browser.get(FILE)["Location"].startswith("/accounts/login/")
    browser.force_login(alice)
    for address in (PAGE, FILE):
        assert browser.get(address)["Location"].startswith("/accounts/reauthenticate/")


def test_an_api_key_opens_it_not(alice_key: str) -> None:
    assert Client().get(FILE, headers={"Authorization": f"Bearer {alice_key}"}).status_code == 302


def test_it_is_never_whole_in_memory(alice: User) -> None:
    """200 MB of recordings; what is held at once is a few blocks."""
    for _ in range(2):
        made = with_recording(rows.transcript(alice))
        with Path(str(storage.open_file(made.media.key, storage.SOURCE).name)).open("r+b") as file:
            file.truncate(100_000_000)
    tracemalloc.start()
    try:
        sent = sum(len(block) for block in archive.archive(alice, recordings=True))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sent > 200_000_000
    assert peak < 20_000_000


@pytest.mark.django_db(transaction=True)
def test_the_server_sends_it_block_by_block(alice: User) -> None:
    """Under ASGI, where Django would read a plain iterator to its end first."""
    with_recording(rows.transcript(alice), b"x" * 3 * archive.BLOCK)
    browser = Client()
    browser.force_login(alice)
    prove(browser, PAGE)
    asynchronous = AsyncClient()
    asynchronous.cookies = browser.cookies

    async def blocks() -> list[bytes]:
        answer: Any = await asynchronous.get(f"{FILE}?recordings=on")
        assert answer.status_code == 200
        content: AsyncIterator[bytes] = answer.streaming_content
        return [block async for block in content]

    parts = async_to_sync(blocks)()
    assert len(parts) > 5
    assert max(map(len, parts)) <= archive.BLOCK
    with ZipFile(io.BytesIO(b"".join(parts))) as file:
        assert file.testzip() is None
