"""The file store, with Django's own client; tests/uploads/test_raw.py sends to it through the gate."""

import io
import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.test import Client

from accounts.models import User
from accounts.services import access, api_keys, erasure, plans
from tests.conftest import Clock
from tests.dialects.jigsawstack.conftest import ADDRESS
from tests.transcripts.conftest import Commits
from tests.transcripts.stand_ins import StandInEngine
from transcripts import incoming, storage
from transcripts.models import StoredFile
from transcripts.services import archive, erase, files, sweep
from transcripts.services.submit import StoredUpload

pytestmark = pytest.mark.django_db
STORE = "/v1/store/file"
READ = f"{STORE}/read"


def keep(client: Client, body: bytes = b"RIFF", content_type: str = "audio/wav", **query: str) -> Any:
    address = f"{STORE}?{'&'.join(f'{name}={value}' for name, value in query.items())}"
    return client.post(address, body, content_type=content_type)


def read(client: Client, address: str) -> bytes:
    answer: Any = client.get(address)
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


def refused(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.content
    assert answer.json()["success"] is False
    message: str = answer.json()["message"]
    return message


def bodies(data_dir: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((data_dir / "media").rglob("source"))]


def test_a_file_is_kept_read_and_deleted(jigsaw: Client, data_dir: Path, commits: Commits) -> None:
    kept = keep(jigsaw, key="talks/one.wav").json()
    assert kept == {
        "success": True,
        "key": "talks/one.wav",
        "url": "http://testserver/v1/store/file/read/talks/one.wav",
        "size": 4,
    }
    assert read(jigsaw, f"{READ}/talks/one.wav") == b"RIFF"
    with commits(execute=True):
        assert jigsaw.delete(f"{READ}/talks/one.wav?talks/one.wav").json() == {"success": True}
    refused(jigsaw.get(f"{READ}/talks/one.wav"), 404)
    refused(jigsaw.delete(f"{READ}/talks/one.wav"), 404)
    assert bodies(data_dir) == []


def test_a_name_is_made_where_none_is_given(jigsaw: Client) -> None:
    first, second = (keep(jigsaw).json()["key"] for _ in range(2))
    assert first != second
    assert read(jigsaw, f"{READ}/{first}") == b"RIFF"


def test_a_file_is_replaced_on_request_only(jigsaw: Client, data_dir: Path, commits: Commits) -> None:
    keep(jigsaw, b"one", key="a")
    assert "overwrite" in refused(keep(jigsaw, b"two", key="a"), 409)
    assert bodies(data_dir) == [b"one"]
    with commits(execute=True):
        assert keep(jigsaw, b"two", key="a", overwrite="true").status_code == 200
    assert (read(jigsaw, f"{READ}/a"), bodies(data_dir)) == (b"two", [b"two"])


@pytest.mark.parametrize(
    "key", ["..", "a/../b", "a//b", "/a", "a/", ".", "a%3Fb", "a%23b", "a%5Cb", "a%0Ab", "k" * 256]
)
def test_a_key_that_no_address_can_name(jigsaw: Client, key: str, data_dir: Path) -> None:
    assert "key" in refused(keep(jigsaw, key=key), 400)
    assert bodies(data_dir) == []
    assert list((data_dir / "incoming").iterdir()) == []


def test_an_empty_file_is_no_file(jigsaw: Client) -> None:
    refused(keep(jigsaw, b""), 400)


def test_the_plan_bounds_the_store(jigsaw: Client, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_FILES", 2)
    for body in (b"1", b"2"):
        assert keep(jigsaw, body, key=body.decode()).status_code == 200
    refused(keep(jigsaw, b"3"), 403)
    assert keep(jigsaw, b"4", key="1", overwrite="1").status_code == 200
    StoredFile.objects.filter(key="1").update(size=files.FILES_WORTH * plans.free().max_file_bytes)
    monkeypatch.setattr(files, "MOST_FILES", 1000)
    assert "1000 MB" in refused(keep(jigsaw, b"5"), 403)
    assert keep(jigsaw, b"6", key="1", overwrite="1").status_code == 200


def test_an_address_for_everybody_works_for_a_week_and_dies_with_the_file(
    jigsaw: Client, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.core.signing.time.time", lambda: clock.now.timestamp())
    address = keep(jigsaw, key="a", temp_public_url="true").json()["temp_public_url"]
    assert read(client, address) == b"RIFF"
    clock.advance(days=6, hours=23)
    assert read(client, address) == b"RIFF"
    clock.advance(hours=2)
    refused(client.get(address), 404)
    fresh = keep(jigsaw, key="a", overwrite="true", temp_public_url="true").json()["temp_public_url"]
    assert read(client, fresh) == b"RIFF"
    User.objects.update(is_active=False)
    refused(client.get(fresh), 404)
    User.objects.update(is_active=True)
    jigsaw.delete(f"{READ}/a")
    refused(client.get(fresh), 404)
    refused(client.get("/v1/store/public/forged:token:here"), 404)


def test_nobody_else_has_it(jigsaw: Client, bob: User, client: Client) -> None:
    keep(jigsaw, key="a")
    his = Client(headers={"x-api-key": api_keys.create_key(bob, "his")[1]})
    refused(his.get(f"{READ}/a"), 404)
    refused(his.delete(f"{READ}/a"), 404)
    refused(client.get(f"{READ}/a"), 401)
    assert keep(his, b"his own", key="a").status_code == 200
    assert read(jigsaw, f"{READ}/a") == b"RIFF"


@pytest.mark.usefixtures("worker")
def test_a_file_is_transcribed_by_its_name_again_and_again(jigsaw: Client, engine: StandInEngine) -> None:
    keep(jigsaw, key="a")
    for language in ("en", "es"):
        wish = json.dumps({"file_store_key": "a", "language": language})
        assert jigsaw.post(ADDRESS, wish, content_type="application/json").json()["text"] == " chunk 0 chunk 1 chunk 2"
    assert [options.language for options in engine.options] == ["en", "es"]
    assert read(jigsaw, f"{READ}/a") == b"RIFF"
    assert list(incoming.directory().iterdir()) == []


def test_a_file_goes_with_its_account_and_comes_with_its_archive(
    jigsaw: Client, alice: User, data_dir: Path, commits: Commits
) -> None:
    keep(jigsaw, key="talks/one.wav")
    assert erase.holdings(alice).recordings_bytes == 4
    with ZipFile(io.BytesIO(b"".join(archive.archive(alice, recordings=True)))) as whole:
        assert whole.read("files/talks/one.wav") == b"RIFF"
    with ZipFile(io.BytesIO(b"".join(archive.archive(alice, recordings=False)))) as small:
        assert not [name for name in small.namelist() if name.startswith("files/")]
    erasure.close(alice)
    erase.erase(alice.pk)
    assert bodies(data_dir) == []
    assert not StoredFile.objects.exists()


def test_the_sweeper_leaves_it_alone(jigsaw: Client, monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    monkeypatch.setattr(sweep, "ORPHAN_SECONDS", -1.0)
    keep(jigsaw, key="a")
    (data_dir / "media" / "orphan").mkdir()
    sweep.remove_orphans()
    assert read(jigsaw, f"{READ}/a") == b"RIFF"
    assert not (data_dir / "media" / "orphan").exists()


def test_an_account_that_is_closed_meanwhile_gets_nothing(jigsaw: Client, alice: User, data_dir: Path) -> None:
    caller = access.Caller(alice, None, "192.0.2.1", plans.plan_of(alice))
    User.objects.filter(pk=alice.pk).update(is_active=False)
    path = storage.incoming_path("sent")
    path.write_bytes(b"RIFF")
    with pytest.raises(Exception, match="closed or suspended"):
        files.keep(
            caller,
            StoredUpload(path, "a", 4, "0"),
            key="a",
            content_type="audio/wav",
            overwrite=False,
        )
    assert bodies(data_dir) == []
