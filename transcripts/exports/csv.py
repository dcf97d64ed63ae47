"""A row a segment, for spreadsheets: BOM for Excel, and no cell that a spreadsheet would run as a formula."""

import csv
import io

from engine.types import Transcript
from transcripts.exports.base import DISCLOSURE, Exporter, ExportOptions, Meta
from transcripts.exports.text import clean

COLUMNS = ("order", "start", "end", "speaker", "text")

# Excel takes the full-width forms as well.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def guard(text: str) -> str:
    """`clean` has already taken tabs, line ends and no-break spaces from the front."""
    text = clean(text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _body(transcript: Transcript, meta: Meta, options: ExportOptions) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    if options.disclosure:
        writer.writerow([DISCLOSURE])
    writer.writerow(COLUMNS)
    for order, segment in enumerate(transcript.segments):
        speaker = guard(segment.speaker or "") if options.speakers else ""
        writer.writerow([order, f"{segment.start:.3f}", f"{segment.end:.3f}", speaker, guard(segment.text)])
    return buffer.getvalue().encode("utf-8-sig")


EXPORTER = Exporter(
    id="csv",
    label="Table (CSV)",
    media_type="text/csv; charset=utf-8",
    extension="csv",
    discloses=True,
    options=frozenset({"disclosure", "speakers"}),
    body=_body,
)
