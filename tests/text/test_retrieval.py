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


def test_nine_of_ten_answers_are_found_and_what_is_not_there_is_mostly_told(
    stored: dict[str, Transcript], alice: User
) -> None:
    """Found: among five passages of all transcripts. What is not there is asked of another talk in the same language,
    which often comes near."""
    language = {one.name: one.language for one in transcripts()}

    def taken(name: str, asked: str) -> bool:
        return sources.answers(search.look(Scope(alice, named=[stored[name].pk]), asked, limit=sources.MOST))

    def other(name: str) -> str:
        return next(each for each in stored if each != name and language[each] == language[name])

    found = [holds(search.search(alice, asked, limit=5), stored[name], line) for name, asked, line in questions()]
    own = [taken(name, asked) for name, asked, _ in questions()]
    others = [taken(other(name), asked) for name, asked, _ in questions()]
    shares = [sum(each) / len(each) for each in (found, own, others)]
    assert shares[0] >= 0.9
    assert shares[1] >= 0.9
    assert shares[2] <= 0.3
