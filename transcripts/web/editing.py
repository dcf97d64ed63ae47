"""What the editor is drawn from: turns with their ids and revisions, who talks how long, words that deserve a check."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from engine.types import Span
from transcripts import selectors
from transcripts.web.present import Turn, doubt, word_table

if TYPE_CHECKING:
    from transcripts.models import Transcript
    from transcripts.services.editing.outcome import Document


@dataclass(frozen=True, slots=True)
class Editable:
    """A turn of the document as one text node. `index` is its place among them."""

    id: int
    rev: int
    place: int
    index: int
    start: float
    end: float
    speaker: int | None
    name: str
    colour: int
    language: str | None
    text: str
    unheard: bool = False


@dataclass(frozen=True, slots=True)
class Voice:
    """`share` is of the time that all of them talk, in percent."""

    id: int
    name: str
    colour: int
    share: int


def context(transcript: "Transcript", unheard: Sequence[Turn]) -> dict[str, Any]:
    """For templates/transcripts/_document.html."""
    document = selectors.turns(transcript)
    return {
        "turns": list(_with_unheard(_editable(document), unheard)),
        "voices": voices(document),
        "known_names": selectors.speaker_names(transcript.owner) if transcript.owner else [],
        "state": document,
        "packed": json.dumps(
            {
                "document": transcript.public_id,
                "version": document.version,
                "rev": document.rev,
                "speakers": [asdict(speaker) for speaker in document.speakers],
            }
        ),
    }


def _colours(document: "Document") -> dict[int, int]:
    return {speaker.id: number % 8 + 1 for number, speaker in enumerate(document.speakers)}


def _editable(document: "Document") -> Iterator[Editable]:
    names = {speaker.id: speaker.name for speaker in document.speakers}
    colours = _colours(document)
    for index, turn in enumerate(document.turns):
        who = turn.speaker if turn.speaker is not None else -1
        name, colour = names.get(who, ""), colours.get(who, 0)
        yield Editable(
            turn.id,
            turn.rev,
            turn.place,
            index,
            turn.start,
            turn.end,
            turn.speaker,
            name,
            colour,
            turn.language,
            turn.text,
        )


def _with_unheard(turns: Iterator[Editable], unheard: Sequence[Turn]) -> Iterator[Editable | Turn]:
    waiting = list(unheard)
    for turn in turns:
        while waiting and waiting[0].start < turn.start:
            yield waiting.pop(0)
        yield turn
    yield from waiting


def voices(document: "Document") -> list[Voice]:
    seconds: defaultdict[int, float] = defaultdict(float)
    for turn in document.turns:
        if turn.speaker is not None:
            seconds[turn.speaker] += turn.end - turn.start
    whole = sum(seconds.values()) or 1
    colours = _colours(document)
    return [
        Voice(speaker.id, speaker.name, colours[speaker.id], round(100 * seconds[speaker.id] / whole))
        for speaker in document.speakers
    ]


def words(transcript: "Transcript") -> dict[str, Any]:
    """Word times by turn, as `present.word_table` packs them; which words are doubtful, by their number."""
    lines = [(turn.text, turn.words or ()) for turn in selectors.turns(transcript, words=True).turns]
    spoken = [word for _, said in lines for word in said]
    unsure = doubt(spoken, [Span(**span) for span in transcript.suspect_spans])
    return {
        "duration": (transcript.duration_ms or 0) / 1000,
        "segments": word_table(lines),
        "doubtful": [number for number, word in enumerate(spoken) if word in unsure],
        "doubt_below": unsure.below,
        "suspects": [(span.start, span.end) for span in unsure.suspects],
    }
