"""PDF: tagged, shaped, from right to left where the words are, with the fonts of this machine embedded in part."""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from fpdf import FPDF

from engine.types import Transcript
from transcripts.exports import fonts
from transcripts.exports.base import DISCLOSURE, CannotDraw, Exporter, ExportOptions, Meta
from transcripts.exports.languages import SPACELESS, guess_language, phrases
from transcripts.exports.text import clean, is_rtl, short_clock
from transcripts.exports.turns import Turn, turns

_LINE_MM = 6
_GREY = 90
_PAGES = "{page total}"
_BREAK_HERE = "\u200b"

# Scripts whose letters join, stack or run from right to left. Shaping is slow, and the others look right without.
_SHAPED = re.compile("[\u0300-\u036f\u0590-\u1cff\u200c\u200d\ua800-\uabff\ufb1d-\ufeff]")

# The fonts that every PDF reader has know Latin-1 only.
_CORE_SPELLING = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "…": "...", "\u200b": "", "€": "EUR"}
)


def _body(transcript: Transcript, meta: Meta, options: ExportOptions) -> bytes:
    title = _drawable(meta.title)
    paragraphs = [_drawn(turn) for turn in turns(transcript)]
    language = transcript.language or guess_language(transcript.text)
    text = "".join([title, meta.model, *(f"{turn.text}{turn.speaker or ''}" for turn in paragraphs)])
    document = _Document(text, language)
    document.set_title(title)
    document.set_lang(language or "en")
    document.set_creation_date(meta.created_at)
    document.add_page()
    if options.disclosure:
        document.paragraph(DISCLOSURE, size=9, grey=True)
    if title:
        document.paragraph(title, size=18, bold=True, tag="/H1")
    document.paragraph(f"{meta.created_at:%Y-%m-%d} · {short_clock(transcript.duration)} · {meta.model}", 9, grey=True)
    for turn in paragraphs:
        _turn(document, turn, options)
    return bytes(document.output())


def _drawn(turn: Turn) -> Turn:
    language = turn.language or guess_language(turn.text)
    text = _drawable(turn.text)
    if SPACELESS.search(text):
        text = " ".join(_BREAK_HERE.join(phrases(chunk, language)) for chunk in text.split(" "))
    return Turn(_drawable(turn.speaker or "") or None, turn.start, turn.end, language, text, turn.new_speaker)


def _turn(document: "_Document", turn: Turn, options: ExportOptions) -> None:
    named = options.speakers and turn.speaker and (turn.new_speaker or options.timestamps)
    heading = [turn.speaker or ""] if named else []
    if options.timestamps:
        heading.append(short_clock(turn.start))
    document.space(3)
    if heading:
        document.paragraph("  ".join(heading), 9, bold=bool(named), grey=not named, rtl=is_rtl(turn.text), keep=True)
    document.paragraph(turn.text, 11)


def _drawable(text: str) -> str:
    """Emoji and the like become their names in brackets where no font has them; letters are never replaced."""
    text = unicodedata.normalize("NFC", clean(text))
    symbols = "".join({letter for letter in text if unicodedata.category(letter) in ("So", "Sk", "Co", "Cn")})
    for letter in fonts.choose(symbols, None).missing:
        text = text.replace(letter, f"[{unicodedata.name(letter, 'symbol').lower()}]")
    # Joiners and variation selectors of emoji mean nothing without them; inside words they shape letters.
    return text.replace("\ufe0f", "").replace("\ufe0e", "")


class _Document(FPDF):  # type: ignore[misc]
    def __init__(self, text: str, language: str | None) -> None:
        super().__init__(format="A4")
        self.set_margins(22, 20)
        self.set_auto_page_break(auto=True, margin=22)
        self.alias_nb_pages(_PAGES)
        self._tag: str | None = None
        self._shaped = False
        self._tags_on_page: dict[int, int] = {}
        self._footer_font = "helvetica"
        self._core = not self._load_fonts(text + DISCLOSURE + "·", language)

    def _load_fonts(self, text: str, language: str | None) -> bool:
        choice = fonts.choose(text.replace(_BREAK_HERE, ""), language)
        if not choice.faces:
            _refuse({letter for letter in text.translate(_CORE_SPELLING) if ord(letter) > 255})
            return False
        _refuse({letter for letter in choice.missing if unicodedata.category(letter) != "Cf"})
        for number, face in enumerate(choice.faces):
            self.add_font(f"face{number}", "", face.path, collection_font_number=face.number)
            self.add_font(f"face{number}", "B", face.bold or face.path, collection_font_number=face.number)
        drawing = (number for number, face in enumerate(choice.faces) if face.draws("Page of 0123456789"))
        self._footer_font = next((f"face{number}" for number in drawing), self._footer_font)
        self.set_fallback_fonts([f"face{number}" for number in range(len(choice.faces))], exact_match=False)
        return True

    def paragraph(
        self, text: str, size: float, *, bold: bool = False, grey: bool = False, tag: str = "/P",
        rtl: bool | None = None, keep: bool = False,
    ) -> None:  # fmt: skip
        """`keep`: do not leave this alone at the foot of a page."""
        self.set_font("helvetica" if self._core else "face0", "B" if bold else "", size)
        self.set_text_color(_GREY if grey else 0)
        height = _LINE_MM * max(1.0, size / 11)
        if keep and self.will_page_break(height + 2 * _LINE_MM):
            self.add_page()
        if self._core:
            text = text.translate(_CORE_SPELLING)
        self._shape(not self._core and _SHAPED.search(text) is not None)
        rtl = is_rtl(text) if rtl is None else rtl
        with self._tagged(tag):
            self.multi_cell(0, height, text, align="R" if rtl else "L", new_x="LMARGIN", new_y="NEXT")

    def _shape(self, shaped: bool) -> None:
        self._shaped = shaped
        self.set_text_shaping(shaped)

    def space(self, millimetres: float) -> None:
        self.ln(millimetres)

    def footer(self) -> None:
        shaped = self._shaped
        self._shape(False)  # page totals are put in at the end, which shaped text does not allow
        self.set_y(-15)
        self.set_font(self._footer_font, size=8)
        self.set_text_color(_GREY)
        with self._artifact():
            self.cell(0, 5, f"Page {self.page_no()} of {_PAGES}", align="C")
        self._shape(shaped)

    # --- tags. fpdf2 makes them for pictures only; these four use the same internals for text.

    @contextmanager
    def _tagged(self, tag: str) -> Iterator[None]:
        self._open(tag)
        yield
        self._close()

    @contextmanager
    def _artifact(self) -> Iterator[None]:
        """What a screen reader passes over."""
        self._out("/Artifact BMC")
        yield
        self._out("EMC")

    def _open(self, tag: str) -> None:
        number = self._tags_on_page.get(self.page, 0)
        self._tags_on_page[self.page] = number + 1
        self._add_marked_content(struct_type=tag, mcid=number)
        self._out(f"{tag} <</MCID {number}>> BDC")
        self._tag = tag

    def _close(self) -> None:
        self._out("EMC")
        self._tag = None

    def _perform_page_break(self) -> None:
        """Marked content ends with its page and goes on, as a further element, on the next."""
        tag = self._tag
        if tag:
            self._close()
        super()._perform_page_break()
        if tag:
            self._open(tag)


def _refuse(letters: set[str]) -> None:
    if not letters:
        return
    scripts = sorted({fonts.script_of(letter).title().replace("Cjk", "Chinese/Japanese") for letter in letters})
    raise CannotDraw(
        f"This server has no font for {', '.join(scripts[:4])} letters, so the PDF was not made. "
        "Export docx instead, or ask the administrator to install the Noto fonts "
        "(on Debian: fonts-noto-core and fonts-noto-cjk)."
    )


EXPORTER = Exporter(
    id="pdf",
    label="PDF",
    media_type="application/pdf",
    extension="pdf",
    discloses=True,
    options=frozenset({"disclosure", "speakers", "timestamps"}),
    body=_body,
    is_text=False,
)
