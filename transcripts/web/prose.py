"""What a model wrote, to read: paragraphs, lists, headings and times that can be played. Every letter of it is data, so
nothing in it is a link elsewhere, a picture or HTML."""

import re
from collections.abc import Iterator

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_TIME = re.compile(r"\[(?:(\d{1,3}):)?(\d{1,2}):([0-5]\d)\]")
_BOLD = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
_ITEM = re.compile(r"[ \t]*(?:[-*•]|\d{1,3}[.)])[ \t]+")
_HEADING = re.compile(r"#{1,6}[ \t]+")
_ESCAPED = re.compile(r"\\([\\`\[\]<*_#-])")


def prose(text: str) -> SafeString:
    """Blocks are told apart by empty lines, list items and headings by how their lines begin."""
    return format_html_join("", "{}", ((block,) for block in _blocks(text.replace("&lt;", "<").splitlines())))


def _blocks(lines: list[str]) -> Iterator[SafeString]:
    held: list[str] = []
    items: list[str] = []
    for raw in [*lines, ""]:
        line = raw.strip().removeprefix(">").strip()
        item = _ITEM.match(raw)
        if items and not item:
            yield format_html('<ul class="plain">{}</ul>', format_html_join("", '<li dir="auto">{}</li>', _each(items)))
            items = []
        if held and (not line or item or _HEADING.match(line)):
            yield format_html('<p dir="auto">{}</p>', inline(" ".join(held)))
            held = []
        if item:
            items.append(raw[item.end() :].strip())
        elif heading := _HEADING.match(line):
            yield format_html('<h4 dir="auto">{}</h4>', inline(line[heading.end() :]))
        elif line:
            held.append(line)


def _each(items: list[str]) -> Iterator[tuple[SafeString]]:
    return ((inline(item),) for item in items)


def inline(text: str) -> SafeString:
    """[4:05] becomes a time to play, **so** bold."""
    made, at = SafeString(""), 0
    for found in _TIME.finditer(text):
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        start = hours * 3600 + minutes * 60 + seconds
        made += format_html(
            '{}<a class="stamp" href="#t={}" data-seek="{}">{}</a>',
            _bold(text[at : found.start()]),
            start,
            start,
            found[0][1:-1],
        )
        at = found.end()
    return made + _bold(text[at:])


def _bold(text: str) -> SafeString:
    made, at = SafeString(""), 0
    for found in _BOLD.finditer(text):
        made += format_html("{}<strong>{}</strong>", _plain(text[at : found.start()]), _plain(found[1]))
        at = found.end()
    return made + format_html("{}", _plain(text[at:]))


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
