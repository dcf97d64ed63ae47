"""Resumable uploads: who may send how much, and which bytes are safely here. The bytes themselves are the caller's."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, Sum
from django.utils import timezone

from accounts.models import User
from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.ids import new_id
from transcripts import incoming, storage
from transcripts.models import Upload
from transcripts.services.submit import StoredUpload

LOCK_SECONDS = 60
MAX_OPEN_UPLOADS = 20
MAX_OPEN_FILES_WORTH = 4
"""All open uploads of an owner may hold this many files of the largest allowed size."""


@dataclass(frozen=True, slots=True)
class Append:
    """The right to write at `offset` of `path`, for 60 s after the last `advance`."""

    upload_id: int
    lock: str
    path: Path
    offset: int
    size: int


def create(owner: User, filename: str, size: int, max_file_bytes: int) -> Upload:
    """Reserve room for a file of `size` bytes. Raises FILE_TOO_LARGE, STORAGE_FULL, RATE_LIMIT (too many open)."""
    if size > max_file_bytes:
        raise ServiceError(ErrorCode.FILE_TOO_LARGE)
    if size <= 0:
        raise ServiceError(ErrorCode.EMPTY_FILE)
    with transaction.atomic():
        _check_quota(owner, size, max_file_bytes)
        upload = Upload.objects.create(
            key=new_id(22),
            owner=owner,
            filename=filename.replace("\0", "")[:255],
            size=size,
            expires_at=timezone.now() + timedelta(hours=settings.UPLOAD_EXPIRY_HOURS),
        )
    path = storage.incoming_path(upload.key)
    path.touch(mode=0o600)
    return upload


def find(owner: User, key: str) -> Upload:
    """Somebody else's upload is NOT_FOUND, as is an expired one."""
    upload = Upload.objects.filter(owner=owner, key=key, expires_at__gt=timezone.now()).first()
    if upload is None:
        raise ServiceError(ErrorCode.NOT_FOUND, "There is no such upload, or it has expired. Start it again.")
    return upload


def begin_append(owner: User, key: str, offset: int) -> Append:
    """Lock the upload for one writer. Raises NOT_FOUND, or CONFLICT for a wrong offset or a second writer."""
    upload = find(owner, key)
    lock = new_id(22)
    locked = (
        Upload.objects.filter(Q(locked_until=None) | Q(locked_until__lt=timezone.now()), pk=upload.pk, offset=offset)
        .filter(offset__lt=F("size") + 1)
        .update(lock=lock, locked_until=_lock_end())
    )
    if not locked:
        message = "The offset is wrong, or another request is writing to this upload. Ask for the offset, then retry."
        raise ServiceError(ErrorCode.CONFLICT, message, retry_after=2)
    return Append(upload.pk, lock, storage.incoming_path(upload.key), offset, upload.size)


def advance(append: Append, offset: int) -> None:
    """Say that the bytes up to `offset` are on disk (flushed), and keep the lock. CONFLICT: the lock was lost."""
    moved = Upload.objects.filter(pk=append.upload_id, lock=append.lock, offset__lte=offset, size__gte=offset).update(
        offset=offset, locked_until=_lock_end()
    )
    if not moved:
        raise ServiceError(ErrorCode.CONFLICT, "Another request has taken this upload over.")


def end_append(append: Append) -> None:
    Upload.objects.filter(pk=append.upload_id, lock=append.lock).update(lock="", locked_until=None)


def finish(owner: User, key: str) -> StoredUpload:
    """A second name of a complete file, for the receiver to move or delete; the upload stays until `submit` has
    accepted it, so that neither a crash nor a refusal for now costs its sender the bytes. CONFLICT when incomplete."""
    upload = find(owner, key)
    path = storage.incoming_path(upload.key)
    if upload.offset != upload.size or not path.is_file():
        raise ServiceError(ErrorCode.CONFLICT, "The upload is not complete. Send the rest, then retry.")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    handed_on = storage.incoming_path(new_id(22))
    try:
        handed_on.hardlink_to(path)
    except FileNotFoundError as error:
        raise ServiceError(ErrorCode.CONFLICT, "The upload has already been used.") from error
    return StoredUpload(handed_on, upload.filename, upload.size, digest, upload.key)


def terminate(owner: User, key: str) -> None:
    _remove(find(owner, key))


def expire() -> int:
    """Remove the uploads whose time is over. Returns how many."""
    expired = list(Upload.objects.filter(expires_at__lte=timezone.now()))
    for upload in expired:
        _remove(upload)
    return len(expired)


def remove_all(owner_id: int) -> None:
    for upload in Upload.objects.filter(owner_id=owner_id):
        _remove(upload)


def _remove(upload: Upload) -> None:
    upload.delete()
    storage.incoming_path(upload.key).unlink(missing_ok=True)


def _check_quota(owner: User, size: int, max_file_bytes: int) -> None:
    # One writer at a time: SQLite's transaction is IMMEDIATE, elsewhere the owner's row is locked.
    User.objects.select_for_update().get(pk=owner.pk)
    mine = Upload.objects.filter(owner=owner, expires_at__gt=timezone.now())
    held = mine.aggregate(total=Sum("size"))["total"] or 0
    if mine.count() >= MAX_OPEN_UPLOADS or held + size > MAX_OPEN_FILES_WORTH * max_file_bytes:
        raise ServiceError(
            ErrorCode.RATE_LIMIT, "Too many unfinished uploads. Finish or cancel one, then retry.", retry_after=60
        )
    missing = Upload.objects.aggregate(total=Sum(F("size") - F("offset")))["total"] or 0
    incoming.room_for(size + missing)


def _lock_end() -> datetime:
    return timezone.now() + timedelta(seconds=LOCK_SECONDS)
