"""By the language model. Its numbers of lines are checked, and what names none that is there is left out."""

import math
from collections.abc import Callable
from typing import Any

from engine.text.types import Answer, Style
from transcripts.services import language_model
from transcripts.services.insights import schemas
from transcripts.services.insights.markdown import inert
from transcripts.services.insights.reading import ANSWER_TOKENS, Budget, messages, notes, parts, placed, timed
from transcripts.services.insights.source import Source
from transcripts.services.language_model.errors import unavailable
from transcripts.services.prompts import prompt, quoted

PLATFORMS = {
    "": "At most 500 characters each.",
    "twitter": "They are for X (Twitter): at most 280 characters each.",
    "linkedin": "They are for LinkedIn: 600 to 1,500 characters each, in short paragraphs.",
}
CERTAIN = 0.2
"""Of a score: nearer to 0 it is neutral, where several parts make one."""


def summary(source: Source, style: Style) -> Answer:
    with_prose = style in ("brief", "detailed")
    schema = schemas.SUMMARY if with_prose else schemas.POINTS_ONLY
    made = _filled(prompt(f"summary_{style}"), schema, notes(source, Budget.new()))
    points = _grounded(source, made["points"])
    return {"summary": made["summary"] if with_prose else _bullets(points), "points": points}


def sentiment(source: Source) -> Answer:
    pieces, budget = parts(source), Budget.new()
    found = []
    for piece in pieces:
        budget.check()
        found.append((len(piece), _filled(prompt("sentiment"), schemas.SENTIMENT, piece)))
    if len(found) == 1:
        return dict(found[0][1])
    score = sum(length * each["score"] for length, each in found) / sum(length for length, _ in found)
    label = "neutral" if abs(score) < CERTAIN else "positive" if score > 0 else "negative"
    return {"label": label, "score": round(score, 3)}


def topics(source: Source) -> list[Answer]:
    weights: dict[str, float] = {}
    names: dict[str, str] = {}
    for share, each in _items(source, "topics", ""):
        name = names.setdefault(each["topic"].casefold(), each["topic"])
        weights[name] = weights.get(name, 0.0) + share * each["weight"]
    ranked = sorted(weights.items(), key=lambda pair: -pair[1])[: schemas.MOST_ITEMS["topics"]]
    return [{"topic": name, "weight": round(min(1.0, weight), 3)} for name, weight in ranked]


def listed(source: Source, kind: str, wish: str = "") -> list[Answer]:
    """action_items, chapter_markers, flashcards, key_quotes or quiz."""
    found = placed(source, given := [each for _, each in _items(source, kind, wish)])
    if given and not found:
        raise unavailable("named lines that are not there")
    finish = FINISHED.get(kind)
    return (finish(source, found) if finish else found)[: schemas.MOST_ITEMS[kind]]


def sections(source: Source, kind: str, wish: str = "") -> Answer:
    """meeting_notes or show_notes."""
    made = _filled(_wished(prompt(kind), wish), schemas.SECTIONS, notes(source, Budget.new()))
    kept = [{"title": each["title"], "points": placed(source, each["points"])} for each in made["sections"]]
    kept = [each for each in kept if each["points"]]
    if not kept:
        raise unavailable("named lines that are not there")
    return {"sections": kept}


def prose(source: Source, kind: str, variant: str = "", wish: str = "") -> str:
    """Markdown."""
    told = prompt("custom", wish=wish) if kind == "custom" else _wished(_prose_prompt(kind, variant), wish)
    text = notes(source, Budget.new())
    said = language_model.complete(messages(told, text), most_tokens=ANSWER_TOKENS)
    return inert(timed(source, said))


def _prose_prompt(kind: str, variant: str) -> str:
    return prompt(kind, platform=PLATFORMS[variant]) if kind == "social_media" else prompt(kind)


def _wished(told: str, wish: str) -> str:
    return f"{told}\n\n{prompt('wish', wish=wish)}" if wish else told


def _filled(told: str, schema: schemas.Schema, text: str) -> Any:
    return language_model.fill(schema, f"{prompt('data')}\n\n{told}", quoted(text), most_tokens=ANSWER_TOKENS)


def _items(source: Source, kind: str, wish: str) -> list[tuple[float, dict[str, Any]]]:
    """Of all parts, in order, each with its part's share of the text."""
    pieces, budget = parts(source), Budget.new()
    whole, most = sum(map(len, pieces)), max(2, math.ceil(schemas.MOST_ITEMS[kind] / len(pieces)))
    told = _wished(prompt(kind, most=most), wish)
    schema = schemas.object_of(items=schemas.list_of(schemas.ITEMS[kind]))
    found = []
    for piece in pieces:
        budget.check()
        found += [(len(piece) / whole, each) for each in _filled(told, schema, piece)["items"]]
    return found


def _grounded(source: Source, points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = placed(source, points)
    if points and not found:
        raise unavailable("named lines that are not there")
    return found


def _bullets(points: list[dict[str, Any]]) -> str:
    return "\n".join(f"- {point['text']}" for point in points)


def _quotes(source: Source, found: list[Answer]) -> list[Answer]:
    """The line itself, so that nobody is quoted with what they did not say."""
    chosen = {each["line"]: each for each in found}
    return [{"text": source.lines[line].text, **each} for line, each in sorted(chosen.items())]


def _chapters(source: Source, found: list[Answer]) -> list[Answer]:
    starts = sorted({each["line"]: each for each in found}.items())
    made = []
    for at, (line, each) in enumerate(starts):
        end = starts[at + 1][1]["start"] if at + 1 < len(starts) else source.lines[-1].end
        made.append({"title": each["title"], "start": each["start"], "end": end, "line": line})
    return made


def _cards(source: Source, found: list[Answer]) -> list[Answer]:
    return [{name: each[name] for name in ("question", "answer", "line", "start")} for each in found]


def _questions(source: Source, found: list[Answer]) -> list[Answer]:
    """Without those whose answer is none of their options."""
    fields = ("question", "options", "answer", "line", "start")
    return [{name: each[name] for name in fields} for each in found if each["answer"] in each["options"]]


FINISHED: dict[str, Callable[[Source, list[Answer]], list[Answer]]] = {
    "key_quotes": _quotes,
    "chapter_markers": _chapters,
    "flashcards": _cards,
    "quiz": _questions,
}
