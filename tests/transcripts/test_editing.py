"""Documents under random hands: what nobody touched stays to the bit, and all of it can be taken back."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from engine.types import Word
from stt_site.lib.errors import ServiceError
from tests.web.rows import spoken
from tests.web.rows import transcript as stored
from transcripts import selectors
from transcripts.exports import registry
from transcripts.exports.base import Meta
from transcripts.models import Transcript, TranscriptSegment, Turn
from transcripts.services.editing import history, replace, speakers, text, times
from transcripts.services.editing.outcome import Document, TurnView

pytestmark = pytest.mark.django_db

TALK = (
    spoken("Good morning all.", 0.5, speaker="Speaker 1", language="en"),
    spoken("The brief is a remote that people do not lose.", 2.2, speaker="Speaker 1", language="en"),
    spoken("Twelve fifty a unit, which is tight.", 9.0, speaker="Speaker 2", language="en"),
    spoken("你好 世界。", 12.5, speaker="Speaker 2", language="zh"),
    spoken("Nobody loses a remote here.", 16.0, speaker="Speaker 1", language="en"),
    spoken("Shall we go on?", 22.0, speaker="Speaker 1", language="en"),
)


@dataclass(frozen=True)
class Move:
    """One hand at the document: `a` to `d` choose what it works on, 0 to 1."""

    kind: str
    a: float
    b: float
    c: float
    said: str


KINDS = ("edit", "split", "merge", "assign", "rename", "merge_speakers", "replace", "times", "accept", "undo", "redo")
SAYINGS = ("", "remote", "a", "Well, a remote control", "再见", "très bien", "the", "twelve")
SHARE = st.floats(0, 0.999)
MOVES = st.lists(
    st.builds(Move, st.sampled_from(KINDS), SHARE, SHARE, SHARE, st.sampled_from(SAYINGS)), min_size=1, max_size=9
)


def make(move: Move, made: Transcript, owner: User, now: Document) -> set[int] | None:
    """The turns that it may touch; None: it may touch any."""
    turn = now.turns[int(move.a * len(now.turns))]
    words = turn.text.split()
    at = int(move.b * (len(words) + 1))
    upto = at + int(move.c * (len(words) - at + 1))
    first = int(move.b * max(1, len(turn.words or ())))
    match move.kind:
        case "edit":
            text.edit(made, owner, turn.id, turn.rev, " ".join([*words[:at], move.said, *words[upto:]]))
        case "split":
            text.split(made, owner, turn.id, turn.rev, " ".join(words[:at]), " ".join(words[at:]))
        case "merge":
            text.merge(made, owner, turn.id, turn.rev)
            return {turn.id, now.turns[now.turns.index(turn) - 1].id}
        case "assign":
            scope: Any = ("turn", "onward", "everywhere")[int(move.b * 3)]
            name = ("Priya", "Speaker 1", "Bo")[int(move.c * 3)]
            speakers.assign(made, owner, turn.id, name=name, scope=scope)
            return None
        case "rename":
            speakers.rename(made, owner, {now.speakers[int(move.a * len(now.speakers))].id: f"P{int(move.b * 99)}"})
        case "merge_speakers":
            speakers.merge(made, owner, now.speakers[0].id, now.speakers[-1].id)
            return None
        case "replace":
            replace.replace(made, owner, move.said or "o", "oo", whole_word=move.b > 0.5)
            return None
        case "times":
            word = (turn.words or ())[first]
            times.set_times(made, owner, turn.id, turn.rev, first, first, word.start + 0.01, word.end + move.c)
        case "accept":
            text.accept(made, owner, turn.id, turn.rev, [first])
        case "undo":
            history.undo(made, owner)
            return None
        case "redo":
            history.redo(made, owner)
            return None
    return {turn.id}


def present(made: Transcript) -> Document:
    made.refresh_from_db()
    return selectors.turns(made, words=True)


def content(document: Document) -> list[Any]:
    """All but the counters of revisions."""
    return [(each.id, each.place, each.speaker, each.text, each.words) for each in document.turns]


def exported(made: Transcript) -> bytes:
    meta = Meta(made.title, made.slug, made.created_at, made.model)
    return registry.render("json", selectors.document(made), meta).body


def rows(made: Transcript) -> list[Any]:
    names = ("key", "place", "speaker", "start", "end", "language", "text", "segments")
    return list(Turn.objects.filter(version__transcript=made).order_by("place").values(*names))


def hold_together(move: Move, made: Transcript, before: Document, touched: set[int] | None) -> None:
    now = present(made)
    was = {each.id: each for each in before.turns}
    assert [each.place for each in now.turns] == sorted({each.place for each in now.turns})
    for each in now.turns:
        old = was.get(each.id)
        if touched is not None and old is not None and each.id not in touched:
            assert each == old
        assert all(low.start <= high.start for low, high in pairwise(each.words or ()))
        assert all(word.start <= word.end for word in each.words or ())
    assert now.word_count == sum(len(segment.text.split()) for segment in selectors.document(made).segments)
    assert {each.speaker for each in now.turns} <= {None, *(each.id for each in now.speakers)}
    if move.kind not in ("times", "undo", "redo"):
        assert all(word.probability == 1.0 for word in everywhere(now.turns) - everywhere(before.turns))


def everywhere(turns: tuple[TurnView, ...]) -> set[Word]:
    return {word for each in turns for word in each.words or ()}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=MOVES)
def test_random_edits_hold_and_are_taken_back_to_the_byte(alice: User, moves: list[Move]) -> None:
    made = stored(alice, segments=TALK)
    first, file, run = present(made), exported(made), list(TranscriptSegment.objects.filter(transcript=made).values())
    with pytest.raises(ServiceError):
        history.undo(made, alice)
    text.edit(made, alice, first.turns[0].id, 0, first.turns[0].text)
    begun = rows(made)
    assert len(begun) == len(first.turns)
    assert content(present(made)) == content(first)
    for move in moves:
        before = present(made)
        try:
            with transaction.atomic():
                touched = make(move, made, alice, before)
        except (ServiceError, IndexError):
            assert present(made) == before, "what is refused changes nothing"
            continue
        hold_together(move, made, before, touched)
    while present(made).can_undo:
        history.undo(made, alice)
    assert content(present(made)) == content(first)
    assert present(made).speakers == first.speakers
    assert exported(made) == file
    assert rows(made) == begun
    made.refresh_from_db()
    assert (made.edited_at, made.word_count, made.speakers) == (None, first.word_count, ["Speaker 1", "Speaker 2"])
    assert list(TranscriptSegment.objects.filter(transcript=made).values()) == run
