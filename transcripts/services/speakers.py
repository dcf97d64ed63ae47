"""Speakers told apart (again) over a transcript that is there. It costs nothing, and never harms the text."""

import logging
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from engine.errors import EngineError
from engine.types import Notice, Options
from engine.types import Transcript as Result
from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.queue import ring
from transcripts import engine_gateway, selectors, storage
from transcripts.models import Transcript, Version
from transcripts.services.closing import plain, write_segments
from transcripts.services.editing import versions
from transcripts.services.playback import one_at_a_time

LABEL_SPEAKERS = "transcripts.tasks.label_speakers"
CODES = ("speaker_labels_failed", "speaker_labels_unavailable")
FAILED = Notice(
    "speaker_labels_failed",
    "The speakers could not be told apart, so the text has no new labels. The text itself is complete; it can be tried "
    "again.",
)
GONE = Notice("speaker_labels_failed", "The speakers could not be told apart: the recording is no longer here.")
AGAIN = timedelta(seconds=5)
MOST_ATTEMPTS = 3
logger = logging.getLogger(__name__)


def order(transcript: Transcript, wish: Options) -> None:
    """Soon `transcript` has labels as `wish` says. Raises NOT_READY before it is completed, MODEL_UNAVAILABLE."""
    if selectors.status_of(transcript.job) != "completed":
        raise ServiceError(ErrorCode.NOT_READY)
    engine_gateway.check_speakers()
    wanted = {
        "speakers": wish.speakers,
        "min_speakers": wish.min_speakers,
        "max_speakers": wish.max_speakers,
        "attempts": 0,
    }
    transcript.labels_wanted = wanted
    with transaction.atomic():
        Transcript.objects.filter(pk=transcript.pk).update(labels_wanted=wanted)
        ring(LABEL_SPEAKERS, transcript.pk)


def label(transcript_id: int) -> None:
    with one_at_a_time("speakers") as mine:
        if not mine:
            ring(LABEL_SPEAKERS, transcript_id, at=timezone.now() + AGAIN)
            return
        transcript = Transcript.objects.filter(pk=transcript_id, labels_wanted__isnull=False).first()
        if transcript is not None:
            _label(transcript, transcript.labels_wanted or {})


def _label(transcript: Transcript, wanted: dict[str, Any]) -> None:
    attempts = wanted["attempts"] + 1
    if attempts > MOST_ATTEMPTS:
        _give_up(transcript, FAILED)
        return
    # Counted before the work: it may be what kills this process.
    Transcript.objects.filter(pk=transcript.pk).update(labels_wanted={**wanted, "attempts": attempts})
    before = selectors.document(transcript)
    try:
        with storage.local_path(transcript.media.key) as source:
            after = engine_gateway.label_speakers(source, before, _options(wanted))
    except FileNotFoundError:
        _give_up(transcript, GONE)
    except EngineError as error:
        logger.warning("No speakers for transcript %d: %s", transcript.pk, error.message)
        if error.permanent:
            _give_up(transcript, FAILED)
        else:
            ring(LABEL_SPEAKERS, transcript.pk, at=timezone.now() + AGAIN)
    else:
        if not _write(transcript, after):
            ring(LABEL_SPEAKERS, transcript.pk)


def _options(wanted: dict[str, Any]) -> Options:
    return Options(
        diarize=True,
        speakers=wanted["speakers"],
        min_speakers=wanted["min_speakers"],
        max_speakers=wanted["max_speakers"],
    )


@transaction.atomic
def _write(transcript: Transcript, result: Result) -> bool:
    """A version of its own, so that what people made of the other is not lost. False: the text that was listened along
    to has been changed meanwhile, so it has to be done again."""
    now = Transcript.objects.select_for_update().filter(pk=transcript.pk, labels_wanted__isnull=False).first()
    if now is None:
        return True
    if now.rev != transcript.rev:
        return False
    version = versions.begin(now, now.job, Version.Kind.LABELS)
    write_segments(now.pk, result.segments, version.number)
    columns = {name: getattr(now, name) for name in versions.SHOWN}
    labels = {"speakers": list(result.speakers), "turns": plain(result.turns), "warnings": plain(_others(result))}
    versions.show(version, {**columns, **labels, "text": result.text, "labels_wanted": None})
    return True


def _give_up(transcript: Transcript, why: Notice) -> None:
    """What labels there were stay."""
    warnings = [*_others(selectors.document(transcript, words=False)), why]
    Transcript.objects.filter(pk=transcript.pk).update(warnings=plain(warnings), labels_wanted=None)


def _others(result: Result) -> list[Notice]:
    return [notice for notice in result.warnings if notice.code not in CODES]
