"""One wish for many transcripts. What is not there, or not the caller's, is named and does not keep the others."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from django.db import transaction

from accounts.models import User
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import selectors
from transcripts.exports import registry
from transcripts.exports.base import CannotDraw, Meta
from transcripts.models import Transcript
from transcripts.services import tags, trash
from transcripts.services.archive import ZipStream

Action = Literal["tag", "untag", "trash", "restore"]
MOST = 100


@dataclass(frozen=True, slots=True)
class Done:
    done: tuple[str, ...]
    missing: tuple[str, ...]


@transaction.atomic
def act(owner: User, refs: Sequence[str], action: Action, names: Sequence[str] = ()) -> Done:
    """`names` are the tags of `tag` and `untag`."""
    work: dict[Action, Callable[[Transcript], None]] = {
        "tag": lambda found: tags.add(found, names),
        "untag": lambda found: tags.remove(found, names),
        "trash": trash.trash,
        "restore": trash.restore,
    }
    find = selectors.trashed_for if action == "restore" else selectors.transcript_for
    found, missing = _found(owner, refs, find)
    for transcript in found.values():
        work[action](transcript)
    return Done(tuple(found), missing)


def export(owner: User, refs: Sequence[str], export_format: str) -> Generator[bytes]:
    """A ZIP with a file for each that has a text, block by block. Raises INVALID_REQUEST at once for an unknown format,
    and NOT_FOUND where none of `refs` is there."""
    if export_format not in registry.FORMATS:
        known = ", ".join(registry.FORMATS)
        raise ServiceError(
            ErrorCode.INVALID_REQUEST, f"There is no format {export_format[:20]!r}. Choose one of: {known}."
        )
    found, missing = _found(owner, refs, selectors.transcript_for)
    if not found:
        raise ServiceError(ErrorCode.NOT_FOUND)
    return _zip(found.values(), missing, export_format)


def _zip(found: Iterable[Transcript], missing: Sequence[str], export_format: str) -> Generator[bytes]:
    file = ZipStream()
    left_out = [f"{ref}: it is not there.\n" for ref in missing]
    for transcript in found:
        if selectors.status_of(transcript.job) != "completed":
            left_out.append(f"{transcript.slug}: it has no text yet.\n")
            continue
        meta = Meta(transcript.title, transcript.slug, transcript.created_at, transcript.model)
        try:
            made = registry.render(export_format, selectors.document(transcript), meta)
        except CannotDraw as error:
            left_out.append(f"{transcript.slug}: {error}\n")
            continue
        yield from file.add(made.name, [made.body])
    if left_out:
        yield from file.add("LEFT OUT.txt", ["".join(left_out).encode()])
    yield from file.end()


def _found(
    owner: User, refs: Sequence[str], find: Callable[[User, str], Transcript]
) -> tuple[dict[str, Transcript], tuple[str, ...]]:
    if not 1 <= len(refs) <= MOST:
        raise ServiceError(ErrorCode.INVALID_REQUEST, f"Name 1 to {MOST} transcripts. Nothing was changed.")
    found = {ref: transcript for ref, transcript in _tried(owner, refs, find) if transcript is not None}
    unique = {transcript.pk: (ref, transcript) for ref, transcript in found.items()}
    return dict(unique.values()), tuple(ref for ref in refs if ref not in found)


def _tried(
    owner: User, refs: Iterable[str], find: Callable[[User, str], Transcript]
) -> Iterator[tuple[str, Transcript | None]]:
    for ref in refs:
        try:
            yield ref, find(owner, ref)
        except ServiceError:
            yield ref, None
