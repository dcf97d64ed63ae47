from dataclasses import replace

import pytest

from tests.exports.spoken import META, dialogue
from transcripts.exports.base import ExportOptions, UnknownFormat
from transcripts.exports.registry import FORMATS, preview, render


def test_the_formats_come_in_the_order_of_the_dialog() -> None:
    assert list(FORMATS) == ["txt", "md", "srt", "vtt", "json", "csv", "docx", "pdf"]


def test_an_unknown_format_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(UnknownFormat, match="Choose one of: txt, md, srt, vtt, json, csv, docx, pdf"):
        render("exe", dialogue("en"), META)


@pytest.mark.parametrize(
    ("extension", "media_type"),
    [
        ("txt", "text/plain; charset=utf-8"),
        ("srt", "application/x-subrip"),
        ("vtt", "text/vtt; charset=utf-8"),
        ("csv", "text/csv; charset=utf-8"),
        ("json", "application/json"),
        ("pdf", "application/pdf"),
    ],
)
def test_a_file_has_its_name_and_type(extension: str, media_type: str) -> None:
    rendered = render(extension, dialogue("en"), META)
    assert rendered.name == f"monday-call.{extension}"
    assert rendered.media_type == media_type


@pytest.mark.parametrize(
    ("slug", "name"),
    [
        ("", "transcript.txt"),
        ("../../etc/passwd", "etc-passwd.txt"),
        ('a"b\r\nX: y', "a-b-X-y.txt"),
        ("会議", "会議.txt"),
    ],
)
def test_a_file_name_is_safe_in_a_header_and_on_a_disk(slug: str, name: str) -> None:
    assert render("txt", dialogue("en"), replace(META, slug=slug)).name == name


@pytest.mark.parametrize("extension", ["txt", "md", "srt", "vtt", "json", "csv"])
def test_a_preview_is_how_the_file_begins(extension: str) -> None:
    transcript = dialogue("en")
    whole = render(extension, transcript, META).body.decode("utf-8-sig").splitlines()
    assert preview(extension, transcript, META, lines=5) == "\n".join(whole[:5])


@pytest.mark.parametrize("extension", ["docx", "pdf"])
def test_a_preview_of_a_document_shows_its_words(extension: str) -> None:
    assert "Good morning, everybody" in preview(extension, dialogue("en"), META, ExportOptions(timestamps=False))
