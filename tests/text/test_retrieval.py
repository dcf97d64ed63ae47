"""Questions of the labelled set, asked of all its transcripts at once, with the model that the product has."""

from collections.abc import Iterator

import pytest

from accounts.models import User
from engine.types import Segment
from tests.text.labelled import transcripts
from tests.web import rows
from transcripts import search
from transcripts.full_text import Scope
from transcripts.models import Passage, Transcript
from transcripts.search import Hit
from transcripts.services.chat import sources

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def stored(alice: User) -> dict[str, Transcript]:
    made = {}
    for one in transcripts():
        said = [
            Segment(line.start or 0.0, line.end or 0.0, line.text, speaker=line.speaker, language=one.language)
            for line in one.lines
        ]
        made[one.name] = rows.transcript(alice, title=one.name, language=one.language, segments=said)
    assert not Passage.objects.filter(embedding=None).exists()
    return made


def questions() -> Iterator[tuple[str, str, int]]:
    for one in transcripts():
        yield from ((one.name, asked["question"], asked["line"]) for asked in one.retrieval)


def holds(hits: list[Hit], made: Transcript, line: int) -> bool:
    return any(hit.transcript == made and line in [part[0] for part in hit.passage.parts] for hit in hits)


def test_nine_of_ten_answers_are_among_five_passages_of_all_transcripts(
    stored: dict[str, Transcript], alice: User
) -> None:
    found = [holds(search.search(alice, asked, limit=5), stored[name], line) for name, asked, line in questions()]
    assert sum(found) / len(found) >= 0.9


def test_what_a_recording_answers_is_told_from_what_it_does_not(stored: dict[str, Transcript], alice: User) -> None:
    """The others are asked of another talk in the same language, which often comes near."""
    language = {one.name: one.language for one in transcripts()}

    def taken(name: str, asked: str) -> bool:
        return sources.answers(search.look(Scope(alice, named=[stored[name].pk]), asked)[: sources.MOST])

    own = [taken(name, asked) for name, asked, _ in questions()]
    others = [
        taken(other, asked)
        for name, asked, _ in questions()
        for other in [next(each for each in stored if each != name and language[each] == language[name])]
    ]
    assert sum(own) / len(own) >= 0.9
    assert sum(others) / len(others) <= 0.3
