"""Notes of a meeting and of a show: sentences of the text under headings. A section without any is left out."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from engine.text.actions import action_items, decisions
from engine.text.chapters import chapters, markers
from engine.text.entities import entities
from engine.text.languages import phrasebooks
from engine.text.questions import questions
from engine.text.quotes import key_quotes
from engine.text.ranking import Embed
from engine.text.sentences import Sentence
from engine.text.summary import central_sentences
from engine.text.topics import topics
from engine.text.types import Answer, Line

Names = frozenset[str]
KEY_POINTS, SUMMARY_POINTS, QUOTES, MENTIONED = 6, 4, 3, 12
ANSWERED_WITHIN, MOST_LOOKED_AT = 2, 8
"""Lines, and sentences, behind a question that can be its answer."""


def meeting_notes(found: Sequence[Sentence], embed: Embed, code: str | None, names: Names) -> Answer:
    return _sections(
        ("Key points", _points(central_sentences(found, embed, KEY_POINTS, code))),
        ("Decisions", _points(decisions(found, code))),
        ("Action items", list(action_items(found, code, names))),
        ("Open questions", _points(open_questions(found, code))),
    )


def open_questions(found: Sequence[Sentence], code: str | None) -> list[Sentence]:
    """Those that nobody answers, or that are answered by "I don't know"."""
    asked = list(questions(found, code))
    marks = {one.at for one in asked}
    others = [other for other in found if other.at not in marks]
    return [one for one in asked if _stays_open(one, others, code)]


def _stays_open(question: Sentence, others: Sequence[Sentence], code: str | None) -> bool:
    first = bisect_right(others, question.at, key=lambda sentence: sentence.at)
    behind = [one for one in others[first : first + MOST_LOOKED_AT] if one.line - question.line <= ANSWERED_WITHIN]
    unsure = any(book.unsure.search(one.text) for book in phrasebooks(code) for one in behind)
    return not behind or unsure


def show_notes(
    found: Sequence[Sentence], lines: Sequence[Line], embed: Embed, code: str | None, names: Names
) -> Answer:
    return _sections(
        ("Summary", _points(central_sentences(found, embed, SUMMARY_POINTS, code))),
        ("Chapters", _chapters(found, lines, embed, code, names)),
        ("Topics", [_bare(str(topic["topic"])) for topic in topics(found, embed, code, but=names)]),
        ("Mentioned", _mentioned(lines, code)),
        ("Quotes", _points(key_quotes(found, embed, code, QUOTES))),
    )


def _sections(*sections: tuple[str, list[Answer]]) -> Answer:
    return {"sections": [{"title": title, "points": points} for title, points in sections if points]}


def _points(found: Iterable[Sentence]) -> list[Answer]:
    return [sentence.point() for sentence in found]


def _bare(text: str) -> Answer:
    return {"text": text, "line": None, "start": None, "speaker": None}


def _chapters(
    found: Sequence[Sentence], lines: Sequence[Line], embed: Embed, code: str | None, names: Names
) -> list[Answer]:
    marked = markers(chapters(found, embed, code, names), lines)
    if len(marked) < 2:
        return []
    return [{"text": one["title"], "line": one["line"], "start": one["start"], "speaker": None} for one in marked]


def _mentioned(lines: Sequence[Line], code: str | None) -> list[Answer]:
    """Names and addresses, each once, with the line that has it first."""
    seen: dict[str, Answer] = {}
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.text) + 1)
    number = 0
    for entity in entities(lines, code):
        while starts[number + 1] <= entity.start:
            number += 1
        if entity.label in ("PERSON", "ORG", "PLACE", "NAME", "URL") and entity.text.casefold() not in seen:
            seen[entity.text.casefold()] = {**_bare(entity.text), "line": number, "start": lines[number].start}
    return list(seen.values())[:MENTIONED]
