"""Markdown (CommonMark). Whatever was said shows as it was said: nothing in it becomes markup."""

import re

from engine.types import Transcript
from transcripts.exports.base import DISCLOSURE, Exporter, ExportOptions, Meta
from transcripts.exports.text import clean, short_clock
from transcripts.exports.turns import Turn, turns

_INLINE = re.compile(r"([\\`*_\[\]<>~|])|&(?=#?\w+;)")
# What would begin a heading, a list or a rule at the start of a line.
_BLOCK = re.compile(r"^(?:([#+=-])|(\d{1,9})([.)]))")


def escape(text: str) -> str:
    escaped = _INLINE.sub(lambda match: f"\\{match[0]}", clean(text))
    return _BLOCK.sub(lambda match: f"\\{match[1]}" if match[1] else f"{match[2]}\\{match[3]}", escaped)


def _body(transcript: Transcript, meta: Meta, options: ExportOptions) -> bytes:
    blocks = [f"> {DISCLOSURE}"] if options.disclosure else []
    if clean(meta.title):
        blocks.append(f"# {escape(meta.title)}")
    blocks.append(f"{meta.created_at:%Y-%m-%d} · {short_clock(transcript.duration)} · {escape(meta.model)}")
    for turn in turns(transcript):
        heading = _heading(turn, options)
        blocks.append(f"{heading}\n{escape(turn.text)}" if heading else escape(turn.text))
    return ("\n\n".join(blocks) + "\n").encode()


def _heading(turn: Turn, options: ExportOptions) -> str:
    """Ends in a hard line break."""
    parts = []
    if options.speakers and turn.speaker and (turn.new_speaker or options.timestamps):
        parts.append(f"**{escape(turn.speaker)}**")
    if options.timestamps:
        parts.append(f"`{short_clock(turn.start)}`")
    return " ".join(parts) + "\\" if parts else ""


EXPORTER = Exporter(
    id="md",
    label="Markdown",
    media_type="text/markdown; charset=utf-8",
    extension="md",
    discloses=True,
    options=frozenset({"disclosure", "speakers", "timestamps"}),
    body=_body,
)
