"""Words that an owner sorts transcripts by."""

from collections.abc import Iterable

from django.db import transaction

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.models import Tag, Transcript

LONGEST = 50
MOST = 50
"""On one transcript."""


@transaction.atomic
def set_tags(transcript: Transcript, names: Iterable[str]) -> None:
    """These and no others. Two names that differ in case alone are one: the first."""
    wanted = {name.casefold(): name for name in reversed([_checked(name) for name in names])}.values()
    if len(wanted) > MOST:
        raise ServiceError(ErrorCode.INVALID_REQUEST, f"A transcript has at most {MOST} tags. Nothing was changed.")
    Transcript.objects.select_for_update().only("pk").get(pk=transcript.pk)
    Tag.objects.filter(transcript=transcript).exclude(name__in=wanted).delete()
    Tag.objects.bulk_create((Tag(transcript=transcript, name=name) for name in wanted), ignore_conflicts=True)


def add(transcript: Transcript, names: Iterable[str]) -> None:
    set_tags(transcript, [*_names(transcript), *names])


def remove(transcript: Transcript, names: Iterable[str]) -> None:
    gone = {name.casefold() for name in names}
    set_tags(transcript, [name for name in _names(transcript) if name.casefold() not in gone])


def _names(transcript: Transcript) -> list[str]:
    return list(Tag.objects.filter(transcript=transcript).values_list("name", flat=True))


def _checked(name: str) -> str:
    name = " ".join(name.replace("\0", "").split())
    if not name or len(name) > LONGEST:
        raise ServiceError(ErrorCode.INVALID_REQUEST, f"A tag has 1 to {LONGEST} characters. Nothing was changed.")
    return name
