import errno
import hashlib
from collections import namedtuple
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import incoming
from transcripts.incoming import IncomingFile
from transcripts.services.uploads import Append
from transcripts.uploads.tus import AppendedFile


@pytest.fixture(autouse=True)
def data_dir(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


def test_a_finished_file_holds_what_was_written() -> None:
    file = IncomingFile()
    file.write(b"abc")
    file.write(memoryview(b"defg")[1:])
    assert file.finish() == hashlib.sha256(b"abcefg").hexdigest()
    assert (file.path.read_bytes(), file.size) == (b"abcefg", 6)
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_a_discarded_file_does_not_come_back() -> None:
    file = IncomingFile()
    file.write(b"abc")
    file.discard()
    file.write(b"late")
    file.discard()
    assert list(incoming.directory().iterdir()) == []


def test_a_full_disk_is_a_refusal_of_its_own() -> None:
    file = IncomingFile()
    file._file.close()
    file._file = Path("/dev/full").open("wb", buffering=0)  # noqa: SIM115
    with pytest.raises(ServiceError) as caught:
        file.write(b"abc")
    assert caught.value.code is ErrorCode.STORAGE_FULL
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ENOSPC


def test_a_full_disk_refuses_the_rest_of_a_resumable_upload() -> None:
    file = AppendedFile(Append(1, "lock", Path("/dev/full"), 0, 3))
    with pytest.raises(ServiceError) as caught:
        file.write(b"abc")
    assert caught.value.code is ErrorCode.STORAGE_FULL
    assert file.offset == 0
    file.close()


def test_the_last_of_the_disk_is_not_for_uploads(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(1000, 0, 1000))
    settings.DISK_RESERVE_BYTES = 400
    incoming.room_for(600)
    with pytest.raises(ServiceError) as caught:
        incoming.room_for(601)
    assert caught.value.status == 507
