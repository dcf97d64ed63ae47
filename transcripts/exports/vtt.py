"""WebVTT: hours always there, voices as `<v Name>`, word times on request."""

from collections.abc import Iterator

from engine.types import Transcript
from transcripts.exports.base import DISCLOSURE, Exporter, ExportOptions, Meta
from transcripts.exports.captions import Cue, Line, cues
from transcripts.exports.text import clock


def escape(text: str) -> str:
    """`-->` cannot stand in a cue either: its `>` goes the same way."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _body(transcript: Transcript, meta: Meta, options: ExportOptions) -> bytes:
    blocks = ["WEBVTT"]
    if options.disclosure:
        blocks.append(f"NOTE {DISCLOSURE}")
    for number, cue in enumerate(cues(transcript, options.profile), start=1):
        text = "\n".join(_lines(cue, options))
        blocks.append(f"{number}\n{clock(cue.start)} --> {clock(cue.end)}\n{text}")
    return ("\n\n".join(blocks) + "\n").encode()


def _lines(cue: Cue, options: ExportOptions) -> Iterator[str]:
    voice = None
    shown_until = cue.start
    for line in cue.lines:
        text = escape(line.text)
        if options.word_times:
            text, shown_until = _with_times(cue, line, shown_until)
        name = line.speaker if options.speakers else None
        if name and name != voice:
            text = f"<v {_annotation(name)}>{text}"
        voice = name
        yield text


def _with_times(cue: Cue, line: Line, shown_until: int) -> tuple[str, int]:
    """The standard wants each time later than the one before, and inside the cue."""
    text = "-" if line.dash else ""
    for index, unit in enumerate(line.units):
        text += " " if index and unit.space else ""
        if shown_until < unit.start < cue.end:
            text += f"<{clock(unit.start)}>"
            shown_until = unit.start
        text += escape(unit.text)
    return text, shown_until


def _annotation(name: str) -> str:
    return name.replace("&", "&amp;").replace("<", "").replace(">", "")


EXPORTER = Exporter(
    id="vtt",
    label="WebVTT subtitles",
    media_type="text/vtt; charset=utf-8",
    extension="vtt",
    discloses=True,
    options=frozenset({"disclosure", "speakers", "profile", "word_times"}),
    body=_body,
)
