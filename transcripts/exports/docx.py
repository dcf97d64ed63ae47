"""Word: named styles instead of direct formatting, paragraphs from right to left where the words are."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor
from docx.text.paragraph import Paragraph

from engine.types import Transcript
from transcripts.exports.base import DISCLOSURE, Exporter, ExportOptions, Meta
from transcripts.exports.text import clean, is_rtl, short_clock
from transcripts.exports.turns import Turn, turns

_GREY = RGBColor(0x5A, 0x5F, 0x69)


def _body(transcript: Transcript, meta: Meta, options: ExportOptions) -> bytes:
    document = Document()
    title = clean(meta.title)
    _styles(document)
    _properties(document, title, transcript, meta)
    _header_and_footer(document, title, meta)
    if options.disclosure:
        _run(_paragraph(document, "Disclosure"), DISCLOSURE, None, "en")
    if title:
        _run(_paragraph(document, "Title", rtl=is_rtl(title)), title, None, transcript.language)
    for turn in turns(transcript):
        _turn(document, turn, options)
    buffer = io.BytesIO()
    document.save(buffer)
    return _repeatable(buffer.getvalue())


def _turn(document: Any, turn: Turn, options: ExportOptions) -> None:
    rtl = is_rtl(turn.text)
    named = options.speakers and turn.speaker and (turn.new_speaker or options.timestamps)
    if named or options.timestamps:
        heading = _paragraph(document, "TurnHeading", rtl=rtl)
        if named:
            _run(heading, turn.speaker or "", "Speaker", turn.language)
        if options.timestamps:
            _run(heading, ("  " if named else "") + short_clock(turn.start), "Timestamp", None)
    _run(_paragraph(document, "Turn", rtl=rtl), turn.text, None, turn.language)


def _paragraph(document: Any, style_id: str, *, rtl: bool = False) -> Any:
    """python-docx looks through the whole body and all styles for each paragraph; this does not."""
    element = OxmlElement("w:p")
    document.element.body[-1].addprevious(element)  # the last one holds the section's properties
    element.style = style_id
    paragraph = Paragraph(element, document._body)
    if rtl:
        _right_to_left(paragraph)
    return paragraph


def _right_to_left(paragraph: Any) -> None:
    """The run's `rtl` alone leaves the paragraph's punctuation and alignment from left to right."""
    properties = paragraph._p.get_or_add_pPr()
    bidi = OxmlElement("w:bidi")
    # The schema fixes the order of a paragraph's properties; bidi comes before these.
    properties.insert_element_before(bidi, "w:adjustRightInd", "w:spacing", "w:ind", "w:jc", "w:rPr", "w:sectPr")


def _run(paragraph: Any, text: str, style_id: str | None, language: str | None) -> None:
    run = paragraph.add_run(text)
    if style_id:
        run._r.style = style_id
    if is_rtl(text):
        run.font.rtl = True
    if language:
        tag = OxmlElement("w:lang")
        for attribute in ("w:val", "w:eastAsia", "w:bidi"):
            tag.set(qn(attribute), language)
        run._r.get_or_add_rPr().append(tag)


def _styles(document: Any) -> None:
    styles = document.styles
    styles["Normal"].font.size = Pt(11)
    heading = styles.add_style("Turn Heading", WD_STYLE_TYPE.PARAGRAPH)
    heading.paragraph_format.keep_with_next = True
    heading.paragraph_format.space_before = Pt(10)
    heading.paragraph_format.space_after = Pt(0)
    turn = styles.add_style("Turn", WD_STYLE_TYPE.PARAGRAPH)
    turn.paragraph_format.space_after = Pt(6)
    disclosure = styles.add_style("Disclosure", WD_STYLE_TYPE.PARAGRAPH)
    disclosure.font.color.rgb = _GREY
    disclosure.font.size = Pt(9)
    for style in (heading, turn, disclosure):
        style.base_style = styles["Normal"]
    styles.add_style("Speaker", WD_STYLE_TYPE.CHARACTER).font.bold = True
    timestamp = styles.add_style("Timestamp", WD_STYLE_TYPE.CHARACTER)
    timestamp.font.color.rgb = _GREY
    timestamp.font.size = Pt(9)


def _properties(document: Any, title: str, transcript: Transcript, meta: Meta) -> None:
    properties = document.core_properties
    properties.title = title[:255]
    properties.author = ""
    properties.comments = ""
    properties.language = transcript.language or ""
    properties.created = properties.modified = meta.created_at.replace(tzinfo=None)


def _header_and_footer(document: Any, title: str, meta: Meta) -> None:
    section = document.sections[0]
    section.header.paragraphs[0].text = f"{title}\t\t{meta.created_at:%Y-%m-%d}"
    footer = section.footer.paragraphs[0]
    footer.add_run("\t\t")
    _field(footer, "PAGE")
    footer.add_run(" / ")
    _field(footer, "NUMPAGES")


def _field(paragraph: Any, instruction: str) -> None:
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), instruction)
    paragraph._p.append(field)


def _repeatable(archive: bytes) -> bytes:
    """The same transcript gives the same bytes: the archive's entries carry no time of day."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in _entries(archive):
            target.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _entries(archive: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        for name in source.namelist():
            yield name, source.read(name)


EXPORTER = Exporter(
    id="docx",
    label="Word document",
    media_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    extension="docx",
    discloses=True,
    options=frozenset({"disclosure", "speakers", "timestamps"}),
    body=_body,
    is_text=False,
)
