"""What a language model has to answer with, by task."""

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
LINE: Schema = {"type": "integer", "minimum": 1}


def object_of(**fields: Schema) -> Schema:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def list_of(item: Schema, most: int = 50) -> Schema:
    return {"type": "array", "items": item, "maxItems": most}


POINTS = list_of(object_of(text=TEXT, line=LINE))
SUMMARY = object_of(summary=TEXT, points=POINTS)
POINTS_ONLY = object_of(points=POINTS)
SENTIMENT = object_of(
    label={"type": "string", "enum": ["positive", "neutral", "negative"]},
    score={"type": "number", "minimum": -1, "maximum": 1},
)
SECTIONS = object_of(sections=list_of(object_of(title=TEXT, points=POINTS), 12))
ITEMS: dict[str, Schema] = {
    "topics": object_of(topic=TEXT, weight={"type": "number", "minimum": 0, "maximum": 1}),
    "action_items": object_of(text=TEXT, line=LINE),
    "key_quotes": object_of(line=LINE),
    "chapter_markers": object_of(title=TEXT, line=LINE),
    "flashcards": object_of(question=TEXT, answer=TEXT, line=LINE),
    "quiz": object_of(
        question=TEXT, options={"type": "array", "items": TEXT, "minItems": 2, "maxItems": 6}, answer=TEXT, line=LINE
    ),
}
MOST_ITEMS = {"topics": 8, "action_items": 50, "key_quotes": 10, "chapter_markers": 24, "flashcards": 20, "quiz": 10}
"""Of an answer; a part of a long text may give its share of them."""
