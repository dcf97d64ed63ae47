from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import incoming
from transcripts.models import Upload
from transcripts.services import uploads

pytestmark = pytest.mark.django_db
LARGEST = 1000


def code_of(call: pytest.ExceptionInfo[ServiceError]) -> ErrorCode:
    return call.value.code


def send(user: User, key: str, offset: int, body: bytes) -> None:
    append = uploads.begin_append(user, key, offset)
    with append.path.open("r+b") as file:
        file.seek(offset)
        file.write(body)
    uploads.advance(append, offset + len(body))
    uploads.end_append(append)


def test_a_file_arrives_in_pieces(user: User) -> None:
    upload = uploads.create(user, "talk.mp3", 6, LARGEST)
    send(user, upload.key, 0, b"abc")
    send(user, upload.key, 3, b"def")
    stored = uploads.finish(user, upload.key)
    assert stored.path.read_bytes() == b"abcdef"
    assert (stored.filename, stored.size) == ("talk.mp3", 6)
    assert stored.sha256 == "bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721"


def test_an_incomplete_file_is_not_handed_on(user: User) -> None:
    upload = uploads.create(user, "talk.mp3", 6, LARGEST)
    send(user, upload.key, 0, b"abc")
    with pytest.raises(ServiceError) as caught:
        uploads.finish(user, upload.key)
    assert code_of(caught) is ErrorCode.CONFLICT


def test_only_the_next_byte_may_be_written(user: User) -> None:
    upload = uploads.create(user, "talk.mp3", 6, LARGEST)
    with pytest.raises(ServiceError) as caught:
        uploads.begin_append(user, upload.key, 3)
    assert code_of(caught) is ErrorCode.CONFLICT


def test_two_writers_do_not_meet(user: User) -> None:
    upload = uploads.create(user, "talk.mp3", 6, LARGEST)
    uploads.begin_append(user, upload.key, 0)
    with pytest.raises(ServiceError) as caught:
        uploads.begin_append(user, upload.key, 0)
    assert code_of(caught) is ErrorCode.CONFLICT


def test_a_dead_writer_is_taken_over_from(user: User) -> None:
    upload = uploads.create(user, "talk.mp3", 6, LARGEST)
    dead = uploads.begin_append(user, upload.key, 0)
    Upload.objects.update(locked_until=timezone.now() - timedelta(seconds=1))
    uploads.begin_append(user, upload.key, 0)
    with pytest.raises(ServiceError) as caught:
        uploads.advance(dead, 3)
    assert code_of(caught) is ErrorCode.CONFLICT
    assert Upload.objects.get().offset == 0


def test_more_than_was_announced_is_not_taken(user: User) -> None:
    upload = uploads.create(user, "talk.mp3", 6, LARGEST)
    append = uploads.begin_append(user, upload.key, 0)
    with pytest.raises(ServiceError) as caught:
        uploads.advance(append, 7)
    assert code_of(caught) is ErrorCode.CONFLICT


def test_an_upload_is_its_owners_alone(user: User, bob: User) -> None:
    upload = uploads.create(user, "talk.mp3", 6, LARGEST)
    for call in (uploads.find, uploads.terminate, uploads.finish):
        with pytest.raises(ServiceError) as caught:
            call(bob, upload.key)
        assert code_of(caught) is ErrorCode.NOT_FOUND
    assert Upload.objects.exists()


@pytest.mark.parametrize(
    ("size", "code"), [(LARGEST + 1, ErrorCode.FILE_TOO_LARGE), (0, ErrorCode.EMPTY_FILE)], ids=["too large", "empty"]
)
def test_a_size_that_cannot_be_is_refused_at_once(user: User, size: int, code: ErrorCode) -> None:
    with pytest.raises(ServiceError) as caught:
        uploads.create(user, "talk.mp3", size, LARGEST)
    assert code_of(caught) is code


def test_open_uploads_are_limited_in_number_and_bytes(user: User, bob: User) -> None:
    for _ in range(uploads.MAX_OPEN_UPLOADS):
        uploads.create(user, "talk.mp3", 1, LARGEST)
    for _ in range(uploads.MAX_OPEN_FILES_WORTH):
        uploads.create(bob, "talk.mp3", LARGEST, LARGEST)
    for owner in (user, bob):
        with pytest.raises(ServiceError) as caught:
            uploads.create(owner, "talk.mp3", 1, LARGEST)
        assert code_of(caught) is ErrorCode.RATE_LIMIT


def test_a_full_disk_takes_no_new_upload(user: User, settings: Settings) -> None:
    settings.DISK_RESERVE_BYTES = 2**62
    with pytest.raises(ServiceError) as caught:
        uploads.create(user, "talk.mp3", 6, LARGEST)
    assert code_of(caught) is ErrorCode.STORAGE_FULL
    assert not Upload.objects.exists()


def test_what_is_not_finished_in_time_goes(user: User) -> None:
    upload = uploads.create(user, "talk.mp3", 6, LARGEST)
    kept = uploads.create(user, "talk.mp3", 6, LARGEST)
    Upload.objects.filter(pk=upload.pk).update(expires_at=timezone.now())
    assert uploads.expire() == 1
    assert [path.name for path in incoming.directory().iterdir()] == [kept.key]


def test_a_terminated_upload_leaves_no_file(user: User) -> None:
    upload = uploads.create(user, "talk.mp3", 6, LARGEST)
    uploads.terminate(user, upload.key)
    assert not list(incoming.directory().iterdir())
