"""Answers to read: Markdown in which nothing is fetched, whoever's words stand in it."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from transcripts.services.insights.reading import clock

Item = Mapping[str, Any]
_SPECIAL = re.compile(r"([\\`\[\]<])")
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)|!?\[([^\]\n]+)\]\[[^\]\n]*\]")
_DEFINITION = re.compile(r"^[ \t]*\[[^\]\n]+\]:.*$", re.MULTILINE)
_TAG = re.compile(r"<(?=[a-zA-Z/!?])")


def content(kind: str, value: Any) -> str:
    return BY_KIND[kind](value)


def inert(markdown: str) -> str:
    """Without links, pictures and HTML; their words stay."""
    without = _DEFINITION.sub("", _LINK.sub(lambda match: match[1] or match[2] or "", markdown))
    return _TAG.sub("&lt;", without)


def _said(text: str) -> str:
    """On one line, as it is written and nothing else."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _time(item: Item) -> str:
    return "" if item.get("start") is None else f" [{clock(item['start'])}]"


def _quotes(items: Sequence[Item]) -> str:
    return "\n\n".join(map(_quote, items))


def _quote(item: Item) -> str:
    source = f"{_said(item.get('speaker') or '')}{_time(item)}".strip()
    return f"> {_said(item['text'])}" + (f"\n>\n> — {source}" if source else "")


def _chapters(items: Sequence[Item]) -> str:
    return "\n".join(f"- {_said(item['title'])}{_time(item)}" for item in items)


def _cards(items: Sequence[Item]) -> str:
    return "\n\n".join(f"**{_said(item['question'])}**{_time(item)}\n\n{_said(item['answer'])}" for item in items)


def _quiz(items: Sequence[Item]) -> str:
    return "\n\n".join(_question(number, item) for number, item in enumerate(items, start=1))


def _question(number: int, item: Item) -> str:
    options = [f"   - {_said(option)}" for option in item["options"]]
    return "\n".join(
        [f"{number}. {_said(item['question'])}{_time(item)}", *options, f"   - Answer: {_said(item['answer'])}"]
    )


def _sections(value: Item) -> str:
    return "\n\n".join(
        "\n".join([f"## {_said(section['title'])}", "", *(f"- {_said(each['text'])}{_time(each)}" for each in points)])
        for section in value["sections"]
        if (points := section["points"])
    )


BY_KIND: dict[str, Callable[[Any], str]] = {
    "key_quotes": _quotes,
    "chapter_markers": _chapters,
    "flashcards": _cards,
    "quiz": _quiz,
    "meeting_notes": _sections,
    "show_notes": _sections,
}
