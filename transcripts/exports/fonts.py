"""Which of the machine's fonts can draw a text. Nothing is bundled: the operator's Noto or DejaVu fonts are used."""

import functools
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fontTools.ttLib import TTCollection, TTFont

DIRECTORIES = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path.home() / ".local/share/fonts",
    Path.home() / ".fonts",
    Path("/Library/Fonts"),
    Path("/System/Library/Fonts"),
    Path("C:/Windows/Fonts"),
)

_LATIN = ("NotoSans-Regular", "DejaVuSans", "LiberationSans-Regular", "Arial")
_SYMBOLS = ("NotoSansSymbols-Regular", "NotoSansSymbols2-Regular", "NotoSansMath-Regular", "DejaVuSans")
_CJK = ("NotoSansCJK-Regular", "NotoSansJP-Regular", "NotoSansSC-Regular", "NotoSansKR-Regular", "Arial Unicode")
_PREFERRED = {"ARABIC": ("NotoNaskhArabic-Regular",), "CJK": _CJK, "HIRAGANA": _CJK, "KATAKANA": _CJK, "HANGUL": _CJK}

# Noto Sans CJK holds one face for each way of writing the same characters.
_CJK_FACE = {"ja": 0, "ko": 1, "zh": 2, "yue": 3}


@dataclass(frozen=True, slots=True)
class Face:
    path: Path
    number: int = 0
    """Which font of a collection (.ttc)."""

    @property
    def bold(self) -> Path | None:
        path = self.path.with_name(
            self.path.name.replace("-Regular", "-Bold").replace("DejaVuSans.", "DejaVuSans-Bold.")
        )
        return path if path != self.path and path.exists() else None

    def draws(self, text: str) -> bool:
        return all(ord(letter) in _letters(self) for letter in text if letter != " ")


@dataclass(frozen=True, slots=True)
class Choice:
    """`faces`: the first draws most of the text, the others the rest. `missing`: letters that no font here has."""

    faces: tuple[Face, ...]
    missing: str


def choose(text: str, language: str | None) -> Choice:
    counts = Counter(text)
    counts.pop(" ", None)
    letters = sorted(letter for letter in counts if unicodedata.category(letter)[0] in "LM")
    index = _index(DIRECTORIES)
    faces = [Face(index[name]) for name in _LATIN if name in index][:1]
    missing = _cover(letters, faces, index, language)
    # Only now the symbols: a font with many of them may also have letters of every script, but poor ones.
    faces.sort(key=lambda face: -sum(counts[letter] for letter in letters if ord(letter) in _letters(face)))
    missing += _cover(sorted(set(counts).difference(letters)), faces, index, language)
    return Choice(tuple(faces), "".join(missing))


def _cover(letters: list[str], faces: list[Face], index: dict[str, Path], language: str | None) -> list[str]:
    """Add to `faces` what is needed; give back the letters that nothing covers."""
    missing = []
    for letter in letters:
        if any(ord(letter) in _letters(face) for face in faces):
            continue
        found = (_face(index, name, language) for name in _candidates(letter))
        fitting = next((face for face in found if face and ord(letter) in _letters(face)), None)
        if fitting:
            faces.append(fitting)
        else:
            missing.append(letter)
    return missing


def script_of(letter: str) -> str:
    """`THAI`, `CJK`, `ARABIC`…: the first word of the letter's Unicode name."""
    return unicodedata.name(letter, "UNKNOWN").split(" ")[0].split("-")[0]


def _candidates(letter: str) -> Iterator[str]:
    script = script_of(letter)
    yield from _PREFERRED.get(script, ())
    yield from (f"NotoSans{script.title()}-Regular", f"NotoSerif{script.title()}-Regular")
    if unicodedata.east_asian_width(letter) in "WF":
        yield from _CJK
    yield from _LATIN
    yield from _SYMBOLS
    yield from _CJK


def _face(index: dict[str, Path], name: str, language: str | None) -> Face | None:
    if name not in index:
        return None
    number = _CJK_FACE.get(language or "", 0) if index[name].suffix == ".ttc" else 0
    return Face(index[name], number)


@functools.lru_cache(maxsize=4)
def _index(directories: tuple[Path, ...]) -> dict[str, Path]:
    index: dict[str, Path] = {}
    for directory in directories:
        if directory.is_dir():
            for path in sorted(directory.rglob("*")):
                if path.suffix in (".ttf", ".otf", ".ttc"):
                    index.setdefault(path.stem, path)
    return index


@functools.lru_cache(maxsize=64)
def _letters(face: Face) -> frozenset[int]:
    if face.path.suffix == ".ttc":
        font = TTCollection(face.path, lazy=True).fonts[face.number]
    else:
        font = TTFont(face.path, lazy=True)
    return frozenset(font.getBestCmap() or ())
