"""Answers made of a text's own sentences: no model writes, so nothing is said that was not said.

| what | answer |
| --- | --- |
| summary | `{"summary", "points": [point]}` |
| sentiment | `{"label": positive, neutral or negative, "score": -1 to 1}` |
| topics | `[{"topic", "weight"}]` |
| entities | `[{"text", "label", "start", "end"}]` |
| action_items | `[point]`, each with "owner" and "due": None where nobody said |
| questions, key_quotes | `[point]` |
| pii_redact | `{"redacted_text", "entities": [{"label", "start", "end"}]}` |
| chapter_markers | `[{"title", "start", "end", "line"}]` |
| meeting_notes, show_notes | `{"sections": [{"title", "points": [point]}]}`, no empty ones |
| flashcards | `[{"question", "answer", "line", "start"}]` |
| quiz | `[{"question", "options", "answer", "line", "start"}]` |

A point is `{"text", "line", "start", "speaker"}`: a sentence, the index of its line, when that starts, who speaks.
Characters are counted in the lines joined by line breaks.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, cast

from engine.text import actions, cards, chapters, entities, notes, pii, questions, quotes, sentiment, summary, topics
from engine.text.languages import language_of
from engine.text.marked import without_breaks
from engine.text.names import known_words
from engine.text.ranking import Embed
from engine.text.sentences import Sentence, joined, sentences
from engine.text.types import Answer, Extraction, Line, Style


@dataclass(frozen=True)
class Text:
    lines: Sequence[Line]
    embed: Embed
    style: Style
    language: str | None

    @cached_property
    def code(self) -> str | None:
        return language_of((line.text for line in self.lines), self.language)

    @cached_property
    def names(self) -> frozenset[str]:
        return known_words(without_breaks(self.lines), self.lines, self.code)

    @cached_property
    def sentences(self) -> list[Sentence]:
        return sentences(self.lines, self.code)


def extract(
    what: Extraction,
    lines: Sequence[Line],
    embed: Embed,
    *,
    style: Style = "brief",
    language: str | None = None,
) -> Answer:
    """Raises ModelUnavailable where only a model could tell, and what the rules say would be an invention."""
    return cast("Answer", MAKERS[what](Text(lines, embed, style, language)))


def _redacted(text: Text) -> Answer:
    found = pii.spans(text.lines, text.code)
    spans = [{"label": span.label, "start": span.start, "end": span.end} for span in found]
    return {"redacted_text": pii.redacted(joined(text.lines), found), "entities": spans}


MAKERS: dict[Extraction, Callable[[Text], Any]] = {
    "summary": lambda text: summary.summary(text.sentences, text.embed, text.style, text.code, text.names),
    "sentiment": lambda text: sentiment.sentiment(text.sentences, text.code),
    "topics": lambda text: topics.topics(text.sentences, text.embed, text.code, but=text.names),
    "action_items": lambda text: list(actions.action_items(text.sentences, text.code, text.names)),
    "entities": lambda text: [asdict(one) for one in entities.entities(text.lines, text.code)],
    "questions": lambda text: [one.point() for one in questions.questions(text.sentences, text.code)],
    "pii_redact": _redacted,
    "key_quotes": lambda text: [one.point() for one in quotes.key_quotes(text.sentences, text.embed, text.code)],
    "chapter_markers": lambda text: chapters.markers(
        chapters.chapters(text.sentences, text.embed, text.code, text.names), text.lines
    ),
    "meeting_notes": lambda text: notes.meeting_notes(text.sentences, text.embed, text.code, text.names),
    "show_notes": lambda text: notes.show_notes(text.sentences, text.lines, text.embed, text.code, text.names),
    "flashcards": lambda text: cards.flashcards(text.sentences, text.embed, text.code, text.names),
    "quiz": lambda text: cards.quiz(text.sentences, text.embed, text.code, text.names),
}
