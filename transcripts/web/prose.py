"""What a model wrote, to read: paragraphs, lists, headings and times that can be played. Every letter of it is data, so
nothing in it is a link elsewhere, a picture or HTML."""

import re
from collections.abc import Iterator, Mapping

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from transcripts.services.insights.reading import clock

_CLOCK = r"(?:\d{1,3}:)?\d{1,2}:[0-5]\d"
_TIMES = re.compile(rf"\[({_CLOCK}(?:, {_CLOCK})*)\]")
_BOLD = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
_ITEM = re.compile(r"[ \t]*(?:[-*•]|\d{1,3}[.)])[ \t]+")
_HEADING = re.compile(r"#{1,6}[ \t]+")
_ESCAPED = re.compile(r"\\([\\`\[\]<*_#-])")


def prose(text: str, exact: Mapping[int, float] | None = None) -> SafeString:
    """Blocks are told apart by empty lines, list items and headings by how their lines begin. `exact`: what a whole
    second stands for."""
    lines = text.replace("&lt;", "<").splitlines()
    return format_html_join("", "{}", ((block,) for block in _blocks(lines, exact or {})))


def seconds_cited(text: str) -> set[int]:
    return {_seconds(said) for found in _TIMES.finditer(text) for said in found[1].split(", ")}


def coded(text: str) -> SafeString:
    """Our own words, with `what is typed` as code."""
    parts = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if at % 2 else part,) for at, part in parts)
    )


def _blocks(lines: list[str], exact: Mapping[int, float]) -> Iterator[SafeString]:
    held: list[str] = []
    items: list[str] = []
    for raw in [*lines, ""]:
        line = raw.strip().removeprefix(">").strip()
        item = _ITEM.match(raw)
        if items and not item:
            each = ((_inline(said, exact),) for said in items)
            yield format_html('<ul class="plain">{}</ul>', format_html_join("", '<li dir="auto">{}</li>', each))
            items = []
        if held and (not line or item or _HEADING.match(line)):
            yield format_html('<p dir="auto">{}</p>', _inline(" ".join(held), exact))
            held = []
        if item:
            items.append(raw[item.end() :].strip())
        elif heading := _HEADING.match(line):
            yield format_html('<h4 dir="auto">{}</h4>', _inline(line[heading.end() :], exact))
        elif line:
            held.append(line)


def _inline(text: str, exact: Mapping[int, float]) -> SafeString:
    """[4:05] becomes a time to play, **so** bold."""
    made, at = SafeString(""), 0
    for found in _TIMES.finditer(text):
        made += format_html("{}{}", _bold(text[at : found.start()]), _links(found[1].split(", "), exact))
        at = found.end()
    return made + _bold(text[at:])


def _links(clocks: list[str], exact: Mapping[int, float]) -> SafeString:
    whole = [_seconds(said) for said in clocks]
    links = ((start := exact.get(seconds, seconds), start, clock(seconds)) for seconds in whole)
    return format_html_join(" ", '<a class="stamp" href="#t={}" data-seek="{}">{}</a>', links)


def _seconds(said: str) -> int:
    value = 0
    for number in said.split(":"):
        value = value * 60 + int(number)
    return value


def _bold(text: str) -> SafeString:
    made, at = SafeString(""), 0
    for found in _BOLD.finditer(text):
        made += format_html("{}<strong>{}</strong>", _plain(text[at : found.start()]), _plain(found[1]))
        at = found.end()
    return made + format_html("{}", _plain(text[at:]))


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
