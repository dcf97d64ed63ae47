"""Plain text: for people (paragraphs, names, times) and, bare, for POST /v1/transcribe."""

from engine.types import Transcript
from transcripts.exports.base import DISCLOSURE, Exporter, ExportOptions, Meta
from transcripts.exports.text import clean, short_clock
from transcripts.exports.turns import Turn, turns


def transcribe_txt(transcript: Transcript) -> str:
    """A line a turn, `Speaker 1: text`; one line without names when nobody told the voices apart."""
    if not any(segment.speaker for segment in transcript.segments):
        text = clean(transcript.text)
        return f"{text}\n" if text else ""
    lines = (f"{turn.speaker}: {turn.text}" if turn.speaker else turn.text for turn in _voices(transcript))
    return "".join(f"{line}\n" for line in lines)


def _voices(transcript: Transcript) -> list[Turn]:
    return turns(transcript, paragraphs=False)


def _body(transcript: Transcript, meta: Meta, options: ExportOptions) -> bytes:
    blocks = [DISCLOSURE] if options.disclosure else []
    for turn in turns(transcript):
        heading = _heading(turn, options)
        blocks.append(f"{heading}\n{turn.text}" if heading else turn.text)
    return "".join(f"{block}\n\n" for block in blocks).rstrip("\n").encode() + b"\n" if blocks else b""


def _heading(turn: Turn, options: ExportOptions) -> str:
    parts = []
    if options.speakers and turn.speaker and (turn.new_speaker or options.timestamps):
        parts.append(turn.speaker)
    if options.timestamps:
        parts.append(f"[{short_clock(turn.start)}]")
    return " ".join(parts)


EXPORTER = Exporter(
    id="txt",
    label="Text",
    media_type="text/plain; charset=utf-8",
    extension="txt",
    discloses=True,
    options=frozenset({"disclosure", "speakers", "timestamps"}),
    body=_body,
)
