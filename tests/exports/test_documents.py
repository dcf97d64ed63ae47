import io
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.types import Segment, Transcript
from tests.exports.spoken import DIALOGUES, META, dialogue
from transcripts.exports import fonts
from transcripts.exports.base import DISCLOSURE, CannotDraw, ExportOptions
from transcripts.exports.registry import render
from transcripts.exports.text import clean

needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler is not installed")
needs_fonts = pytest.mark.skipif(
    bool(fonts.choose("aกあ한אبअ", None).missing), reason="the Noto fonts are not installed"
)


def one_segment(text: str, speaker: str | None = None) -> Transcript:
    return Transcript(text, "en", 1.0, 3.0, (Segment(0.0, 2.0, text, speaker=speaker),), "m")


# --- docx


def opened(transcript: Transcript, options: ExportOptions | None = None) -> Any:
    return docx.Document(io.BytesIO(render("docx", transcript, META, options).body))


def test_docx_is_built_of_named_styles() -> None:
    paragraphs = opened(dialogue("en")).paragraphs
    assert [paragraph.style.name for paragraph in paragraphs[:4]] == ["Disclosure", "Title", "Turn Heading", "Turn"]
    assert [paragraph.text for paragraph in paragraphs[:2]] == [DISCLOSURE, "Monday call"]
    assert [run.style.name for run in paragraphs[2].runs] == ["Speaker", "Timestamp"]


def test_docx_says_title_date_and_page_at_the_edges() -> None:
    document = opened(dialogue("en"))
    section = document.sections[0]
    assert section.header.paragraphs[0].text == "Monday call\t\t2026-11-02"
    fields = [field.get(qn("w:instr")) for field in section.footer._element.iter(qn("w:fldSimple"))]
    assert fields == ["PAGE", "NUMPAGES"]
    assert document.core_properties.title == "Monday call"
    assert document.core_properties.language == "en"


@pytest.mark.parametrize("language", ["ar", "he"])
def test_docx_runs_from_right_to_left(language: str) -> None:
    turns = [paragraph for paragraph in opened(dialogue(language)).paragraphs if paragraph.style.name == "Turn"]
    for paragraph in turns:
        assert paragraph._p.pPr.find(qn("w:bidi")) is not None
        assert paragraph.runs[0].font.rtl
        assert paragraph.runs[0]._r.rPr.find(qn("w:lang")).get(qn("w:bidi")) == language


def test_docx_in_latin_letters_stays_left_to_right() -> None:
    assert not list(opened(dialogue("en")).element.iter(qn("w:bidi")))


@settings(max_examples=15)
@given(st.text(max_size=80), st.text(max_size=20))
def test_docx_opens_whatever_was_said(text: str, speaker: str) -> None:
    paragraphs = opened(one_segment(text, speaker), ExportOptions(timestamps=False)).paragraphs[2:]
    told = [paragraph.text for paragraph in paragraphs]
    name = [clean(speaker)] if clean(speaker) else []
    assert told == ([*name, clean(text)] if clean(text) else [])


def test_docx_holds_control_characters_out() -> None:
    assert opened(one_segment("bell\x07 null\x00 \ufffe escape\x1b[31m")).paragraphs[-1].text == "bell null escape[31m"


# --- pdf


def pdf_text(body: bytes, tmp_path: Path) -> str:
    (tmp_path / "out.pdf").write_bytes(body)
    command = ["pdftotext", "-layout", "out.pdf", "-"]
    return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout


@needs_poppler
def test_pdf_holds_the_words_the_title_and_page_numbers(tmp_path: Path) -> None:
    text = pdf_text(render("pdf", dialogue("en"), META).body, tmp_path)
    words = text.split()
    assert words[:2] == ["AI-generated", "transcript"]
    for _, sentence in DIALOGUES["en"]:
        assert sentence in " ".join(words)
    assert "Page 1 of 1" in text


@needs_poppler
@needs_fonts
@pytest.mark.parametrize("language", DIALOGUES)
def test_pdf_embeds_fonts_for_every_script(language: str, tmp_path: Path) -> None:
    (tmp_path / "out.pdf").write_bytes(render("pdf", dialogue(language), META).body)
    listing = subprocess.run(["pdffonts", "out.pdf"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    rows = listing.splitlines()[2:]
    assert rows
    assert all(row.split()[-5:-2] == ["yes", "yes", "yes"] for row in rows)  # embedded, subset, with Unicode map


@needs_poppler
def test_pdf_is_tagged_and_says_its_language(tmp_path: Path) -> None:
    body = render("pdf", dialogue("de"), META).body
    (tmp_path / "out.pdf").write_bytes(body)
    info = subprocess.run(["pdfinfo", "out.pdf"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert "Tagged:          yes" in info
    assert b"/Lang (de)" in body
    tree = subprocess.run(
        ["pdfinfo", "-struct-text", "out.pdf"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    assert "H1" in tree
    assert "Guten Morgen zusammen" in tree.replace("\n", " ")


@needs_poppler
def test_pdf_over_many_pages_keeps_counting(tmp_path: Path) -> None:
    segments = tuple(Segment(i * 9.0, i * 9.0 + 3, f"Sentence {i} of a long day.") for i in range(120))
    text = pdf_text(render("pdf", Transcript("", "en", 1.0, 1080.0, segments, "m"), META).body, tmp_path)
    pages = text.count("\f")
    assert pages > 3
    assert f"Page {pages} of {pages}" in text
    assert all(segment.text in text for segment in segments)


def test_pdf_refuses_letters_that_it_cannot_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "DIRECTORIES", (Path("/nowhere"),))
    with pytest.raises(CannotDraw, match="no font for Thai letters"):
        render("pdf", dialogue("th"), META)


@needs_poppler
def test_pdf_without_any_font_still_tells_latin_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fonts, "DIRECTORIES", (Path("/nowhere"),))
    text = pdf_text(render("pdf", one_segment("“Déjà vu” – für alle…"), META).body, tmp_path)
    assert '"Déjà vu" - für alle...' in text


@needs_poppler
def test_pdf_spells_out_a_picture_that_no_font_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fonts, "DIRECTORIES", (Path("/nowhere"),))
    text = pdf_text(render("pdf", one_segment("Well done \N{PARTY POPPER}"), META).body, tmp_path)
    assert "Well done [party popper]" in text


def test_the_page_total_is_not_put_into_what_was_said(tmp_path: Path) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("poppler is not installed")
    assert "{nb}" in pdf_text(render("pdf", one_segment("write {nb} here"), META).body, tmp_path)


@pytest.mark.parametrize("extension", ["docx", "pdf"])
def test_the_same_transcript_gives_the_same_bytes(extension: str) -> None:
    assert META.created_at == datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    assert render(extension, dialogue("en"), META) == render(extension, dialogue("en"), META)
