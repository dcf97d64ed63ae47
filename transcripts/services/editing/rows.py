"""Turns in the database."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from django.db.models import QuerySet

from engine.types import Segment, Word
from transcripts.models import Transcript, TranscriptSegment, Turn, Version
from transcripts.services.editing.outcome import TurnView
from transcripts.services.editing.turns import Speaker, TurnState, derived, pack, speakers_of, unpack

COLUMNS = ("place", "speaker", "rev", "start", "end", "language", "text", "segments")


def version_of(transcript: Transcript) -> Version | None:
    """The version that is shown; None where it has no row, and so no edits."""
    return Version.objects.filter(transcript=transcript, number=transcript.version).first()


def segments_of(transcript: Transcript, *, words: bool = True) -> list[Segment]:
    """What the engine gave, of the version that is shown."""
    rows = TranscriptSegment.objects.filter(transcript=transcript, version=transcript.version)
    return [_segment(row, words) for row in (rows if words else rows.defer("words", "tokens"))]


def _segment(row: TranscriptSegment, words: bool) -> Segment:
    return Segment(
        start=row.start,
        end=row.end,
        text=row.text,
        words=tuple(Word(**word) for word in row.words) if words else (),
        speaker=row.speaker or None,
        language=row.language or None,
        avg_logprob=row.avg_logprob,
        no_speech_prob=row.no_speech_prob,
        compression_ratio=row.compression_ratio,
        temperature=row.temperature,
        chunk=row.chunk,
        tokens=tuple(row.tokens) if words else (),
    )


def first_states(
    transcript: Transcript, version: Version | None, *, words: bool = True
) -> tuple[list[Speaker], list[TurnState]]:
    """The speakers and turns of the version that is shown, as nobody has edited it."""
    segments = segments_of(transcript, words=words)
    speakers = speakers_of(transcript.speakers, segments)
    return speakers, derived(segments, speakers, rev=version.born if version else 0)


def make_rows(transcript: Transcript, version: Version) -> None:
    """Once a version, at its first edit."""
    speakers, states = first_states(transcript, version)
    Turn.objects.bulk_create((row_of(version, state) for state in states), batch_size=200)
    # Speakers that are made later take their numbers from the same row as turns.
    version.next_key = max(len(states), len(speakers) + 1)
    version.speakers = [[speaker.id, speaker.name] for speaker in speakers]


def write(version: Version, states: Iterable[TurnState]) -> None:
    Turn.objects.bulk_create(
        (row_of(version, state) for state in states),
        batch_size=100,
        update_conflicts=True,
        unique_fields=["version", "key"],
        update_fields=COLUMNS,
    )


def row_of(version: Version, state: TurnState) -> Turn:
    return Turn(
        version=version,
        key=state.key,
        place=state.place,
        speaker=state.speaker,
        rev=state.rev,
        start=state.start,
        end=state.end,
        language=state.language or "",
        text=state.text,
        segments=[pack(segment) for segment in state.segments],
    )


def state_of(row: Turn) -> TurnState:
    return TurnState(row.key, row.place, row.speaker, tuple(map(unpack, row.segments)), row.rev)


def views(rows: QuerySet[Turn], *, words: bool) -> Iterator[TurnView]:
    for row in rows if words else rows.defer("segments"):
        said = tuple(word for one in map(unpack, row.segments) for word in one.words) if words else None
        yield TurnView(
            row.key, row.rev, row.place, row.start, row.end, row.speaker, row.language or None, row.text, said
        )


def spoken(version: Version) -> Iterator[Segment]:
    """All segments of an edited version, with the names of their speakers."""
    names = dict(version.speakers)
    for row in Turn.objects.filter(version=version):
        name = names.get(row.speaker)
        yield from (replace(unpack(packed), speaker=name) for packed in row.segments)
