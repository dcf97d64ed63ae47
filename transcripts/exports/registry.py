"""The formats, in the order a person is offered them. To add one: a module with an EXPORTER, and a line here."""

import re
from collections.abc import Mapping
from dataclasses import replace

from engine.types import Transcript
from transcripts.exports import csv, docx, json, md, pdf, srt, txt, vtt
from transcripts.exports.base import Exporter, ExportOptions, Meta, Rendered, UnknownFormat

FORMATS: Mapping[str, Exporter] = {
    exporter.id: exporter
    for exporter in (
        txt.EXPORTER,
        md.EXPORTER,
        srt.EXPORTER,
        vtt.EXPORTER,
        json.EXPORTER,
        csv.EXPORTER,
        docx.EXPORTER,
        pdf.EXPORTER,
    )
}

# Enough of a transcript to fill the first lines of any format.
_PREVIEW_SEGMENTS = 40


def render(
    format: str,  # noqa: A002
    transcript: Transcript,
    meta: Meta,
    options: ExportOptions | None = None,
) -> Rendered:
    """Raises UnknownFormat; CannotDraw where the format cannot show this text."""
    exporter = _exporter(format)
    options = options or ExportOptions()
    if options.disclosure is None:
        options = replace(options, disclosure=exporter.discloses)
    name = f"{_file_name(meta.slug)}.{exporter.extension}"
    return Rendered(name, exporter.media_type, exporter.body(transcript, meta, options))


def preview(
    format: str,  # noqa: A002
    transcript: Transcript,
    meta: Meta,
    options: ExportOptions | None = None,
    lines: int = 5,
) -> str:
    """The first lines of what `render` would give; of a format that is no text, its words."""
    exporter = _exporter(format)
    shown = exporter if exporter.is_text else txt.EXPORTER
    start = replace(transcript, segments=transcript.segments[:_PREVIEW_SEGMENTS])
    text = render(shown.id, start, meta, options).body.decode("utf-8-sig")
    return "\n".join(text.splitlines()[:lines])


def _exporter(name: str) -> Exporter:
    if name not in FORMATS:
        raise UnknownFormat(f"There is no export format {name!r}. Choose one of: {', '.join(FORMATS)}.")
    return FORMATS[name]


def _file_name(slug: str) -> str:
    return re.sub(r"[^\w.-]+", "-", slug).strip("-.")[:100] or "transcript"
