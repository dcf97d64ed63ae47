"""SubRip: UTF-8 without BOM, CRLF, numbers from 1, `HH:MM:SS,mmm`, no tags."""

from collections.abc import Sequence

from engine.types import Transcript
from transcripts.exports.base import DISCLOSURE, Exporter, ExportOptions, Meta
from transcripts.exports.caption_layout import PROFILES
from transcripts.exports.captions import Cue, cues
from transcripts.exports.text import clock, is_rtl

# Players without the bidirectional algorithm put full stops on the wrong side: embed each line from right to left.
_RTL_START, _RTL_END = "\u202b", "\u202c"
_DISCLOSURE_MS = 2000


def _body(transcript: Transcript, meta: Meta, options: ExportOptions) -> bytes:
    captions = cues(transcript, options.profile, labels=options.speakers)
    entries = [(cue.start, cue.end, _text(cue, options)) for cue in captions]
    if options.disclosure:
        _disclose(entries, PROFILES[options.profile].shortest)
    blocks = (
        f"{number}\n{clock(start, ',')} --> {clock(end, ',')}\n{text}\n\n"
        for number, (start, end, text) in enumerate(entries, start=1)
    )
    return "".join(blocks).replace("\n", "\r\n").encode()


def _text(cue: Cue, options: ExportOptions) -> str:
    lines: Sequence[str] = [line.text.replace("-->", "→") for line in cue.lines]
    if options.rtl_marks:
        lines = [f"{_RTL_START}{line}{_RTL_END}" if is_rtl(line) else line for line in lines]
    return "\n".join(lines)


def _disclose(entries: list[tuple[int, int, str]], shortest: int) -> None:
    """SubRip knows no comments: a caption before the first words where there is room, else behind the last."""
    room = entries[0][0] if entries else _DISCLOSURE_MS
    if room >= shortest:
        entries.insert(0, (0, min(room, _DISCLOSURE_MS), DISCLOSURE))
    else:
        end = entries[-1][1]
        entries.append((end, end + _DISCLOSURE_MS, DISCLOSURE))


EXPORTER = Exporter(
    id="srt",
    label="SubRip subtitles",
    media_type="application/x-subrip",
    extension="srt",
    discloses=False,
    options=frozenset({"disclosure", "speakers", "profile", "rtl_marks"}),
    body=_body,
)
