"""The file store: what programs keep in their account under names of their own, and have transcribed by name."""

import re
import shutil

from django.db import IntegrityError, transaction
from django.db.models import Sum

from accounts.services import access
from accounts.services.access import Caller
from accounts.services.plans import MEGABYTE
from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.ids import new_id
from transcripts import incoming, storage
from transcripts.models import StoredFile
from transcripts.services.submit import StoredUpload

ANY_TYPE = "application/octet-stream"
_NAME = r"[a-z0-9][a-z0-9!#$&^_.+-]{0,47}"
TYPE = re.compile(rf"{_NAME}/{_NAME}(; ?charset={_NAME})?", re.IGNORECASE)
LONGEST_KEY = 255
MOST_FILES = 1000
FILES_WORTH = 2
"""All of an account's files may hold this many files of the plan's largest size."""


def keep(caller: Caller, upload: StoredUpload, *, key: str, content_type: str, overwrite: bool) -> StoredFile:
    """`upload` is moved away, or deleted on refusal. An empty `key`: one is made. Raises CONFLICT for a key that is
    taken, unless `overwrite`, NOT_IN_PLAN for more than the plan holds, EMPTY_FILE, STORAGE_FULL."""
    try:
        _check_key(key)
        if not upload.size:
            raise ServiceError(ErrorCode.EMPTY_FILE)
        incoming.room_for(0)
        return _kept(caller, upload, key=key, content_type=content_type, overwrite=overwrite)
    finally:
        upload.path.unlink(missing_ok=True)


def _kept(caller: Caller, upload: StoredUpload, *, key: str, content_type: str, overwrite: bool) -> StoredFile:
    assert caller.user is not None
    kept = StoredFile(
        owner=caller.user,
        key=key or new_id(22),
        place=new_id(22),
        filename=upload.filename[:255],
        content_type=content_type.lower() if TYPE.fullmatch(content_type) else ANY_TYPE,
        size=upload.size,
        sha256=upload.sha256,
    )
    storage.store(kept.place, storage.SOURCE, upload.path)
    try:
        _write(caller, kept, overwrite)
    except BaseException:
        storage.delete(kept.place)
        raise
    return kept


@transaction.atomic
def _write(caller: Caller, kept: StoredFile, overwrite: bool) -> None:
    # Holds the owner's row, so one file after the other is counted.
    access.demand_open(kept.owner)
    before = StoredFile.objects.filter(owner=kept.owner, key=kept.key).first()
    if before is not None:
        if not overwrite:
            raise _taken(kept.key)
        _forget(before)
    _check_room(caller, kept)
    try:
        kept.save()
    except IntegrityError as error:
        raise _taken(kept.key) from error


def remove(file: StoredFile) -> None:
    with transaction.atomic():
        _forget(file)


def remove_all(owner_id: int) -> None:
    for file in StoredFile.objects.filter(owner_id=owner_id):
        storage.delete(file.place)
        file.delete()


def for_work(file: StoredFile) -> StoredUpload:
    """A second name of the file, for `submit` to move or delete. Raises NOT_FOUND where its bytes are gone."""
    path = storage.incoming_path(new_id(22))
    try:
        with storage.local_path(file.place) as stored:
            try:
                path.hardlink_to(stored)
            except FileNotFoundError:
                raise
            except OSError:
                # Another file system, or one without links.
                shutil.copyfile(stored, path)
    except FileNotFoundError as error:
        raise ServiceError(ErrorCode.NOT_FOUND, "That file is not there any more. Store it again.") from error
    return StoredUpload(path, file.filename, file.size, file.sha256)


def kept_places(places: set[str]) -> set[str]:
    """Those of `places` that a stored file has."""
    return set(StoredFile.objects.filter(place__in=places).values_list("place", flat=True))


def _forget(file: StoredFile) -> None:
    file.delete()
    transaction.on_commit(lambda: storage.delete(file.place))


def _check_key(key: str) -> None:
    """A key is a part of an address, where clients drop `.` and `..`, and what follows `?` and `#`."""
    fits = len(key) <= LONGEST_KEY and key.isprintable() and not set(key) & set("?#\\")
    if key and not (fits and all(part.strip(". ") for part in key.split("/"))):
        message = (
            f"A key has 1 to {LONGEST_KEY} printable characters without ?, # and \\, and no empty or dotted part "
            "between slashes. Nothing was stored."
        )
        raise ServiceError(ErrorCode.INVALID_REQUEST, message)


def _check_room(caller: Caller, kept: StoredFile) -> None:
    others = StoredFile.objects.filter(owner=kept.owner)
    most = FILES_WORTH * caller.plan.max_file_bytes
    held = others.aggregate(total=Sum("size"))["total"] or 0
    if others.count() >= MOST_FILES or held + kept.size > most:
        message = (
            f"Your plan's store holds {MOST_FILES} files and {most // MEGABYTE} MB in all, and this is more. "
            "Nothing was stored; delete what you no longer need."
        )
        raise ServiceError(ErrorCode.NOT_IN_PLAN, message)


def _taken(key: str) -> ServiceError:
    message = f"There is a file with the key {key!r} already. Nothing was stored; send overwrite=true to replace it."
    return ServiceError(ErrorCode.CONFLICT, message)
