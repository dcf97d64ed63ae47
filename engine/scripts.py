"""Hindi mixed with English: every word in its own language's script.

Recognisers write "मीटिंग" for "meeting" and "nahi" for "नहीं". Which word is which language is a question of
vocabulary, so this changes the words of `engine/lexicon/hindi.tsv` and the caller's keywords, and leaves all others as
they are: a word that it does not know is never guessed.
"""

import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import jellyfish
from rapidfuzz.distance import Levenshtein

from engine.letters import Placed, placed, rebuilt, script_of, shell
from engine.types import Keyword, Segment

LEXICON = Path(__file__).parent / "lexicon" / "hindi.tsv"
LANGUAGES = frozenset({"hi"})
DEVANAGARI = "DEVANAGARI"
NEAR = 0.6
"""Share of letters that a keyword and a Devanagari word's romanised form must have in common, besides their sound."""
SHORTEST = 4
"""Letters of a keyword that is looked for by sound."""


def in_their_script(segment: Segment, keywords: Sequence[Keyword] = ()) -> Segment:
    if segment.language not in LANGUAGES or not segment.words:
        return segment
    words = placed(segment)
    hindi = _mostly_hindi(words)
    terms = [one.term for one in keywords if script_of(one.term) == "LATIN" and " " not in one.term]
    changed = [one.saying(_respelled(one.word.text, terms, hindi)) for one in words]
    return rebuilt(segment, changed) if changed != words else segment


def _respelled(text: str, terms: Sequence[str], hindi: bool) -> str:
    before, word, after = shell(unicodedata.normalize("NFC", text))
    if script_of(word) == DEVANAGARI:
        english = _lexicon()[0].get(word) or _keyword(word, terms)
        return before + english + after if english else text
    native = _lexicon()[1].get(word.casefold()) if hindi else None
    return before + native + after if native else text


def _mostly_hindi(words: Sequence[Placed]) -> bool:
    """Latin words are read as Hindi only among Hindi: "main" is a word of both languages."""
    cores = [shell(one.word.text)[1] for one in words]
    native = sum(script_of(core) == DEVANAGARI or core.casefold() in _lexicon()[1] for core in cores)
    return 2 * native >= len(cores)


def _keyword(word: str, terms: Sequence[str]) -> str | None:
    spoken = romanized(word)
    for term in terms:
        plain = term.casefold()
        if len(term) < SHORTEST or not term.isascii() or jellyfish.metaphone(plain) != jellyfish.metaphone(spoken):
            continue
        if Levenshtein.normalized_similarity(plain, spoken) >= NEAR:
            return term
    return None


@cache
def _lexicon() -> tuple[dict[str, str], dict[str, str]]:
    """(English by its Devanagari spelling, Hindi by its Latin spellings)."""
    english: dict[str, str] = {}
    hindi: dict[str, str] = {}
    for line in LEXICON.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        kind, right, *heard = unicodedata.normalize("NFC", line).split("\t")
        (english if kind == "en" else hindi).update(dict.fromkeys(heard, right))
    return english, hindi


SOUNDS = {"CA": "cha", "CHA": "chha", "SSA": "sha", "II": "ee", "UU": "oo", "VOCALIC R": "ri"}
"""Where the sound is not the name's; CANDRA and SHORT vowels sound as plain ones, retroflex letters as dental."""


def romanized(word: str) -> str:
    """Devanagari by the names that Unicode gives its letters, without the vowel that a word's end does not speak."""
    spoken = ""
    open_vowel = False
    for char in unicodedata.normalize("NFC", word):
        name = unicodedata.name(char, "").removeprefix("DEVANAGARI ")
        if name.startswith("LETTER "):
            letter = _sound(name.removeprefix("LETTER "))
            open_vowel = len(letter) > 1 and letter.endswith("a") and letter != "aa"
            spoken += letter
        elif name.startswith(("VOWEL SIGN ", "SIGN VIRAMA")):
            spoken = spoken.removesuffix("a") if open_vowel else spoken
            spoken += _sound(name.removeprefix("VOWEL SIGN ")) if name.startswith("VOWEL") else ""
            open_vowel = False
        elif name in ("SIGN ANUSVARA", "SIGN CANDRABINDU"):
            spoken += "n"
            open_vowel = False
    return spoken[:-1] if open_vowel else spoken


def _sound(name: str) -> str:
    plain = name.removeprefix("CANDRA ").removeprefix("SHORT ")
    if plain in SOUNDS:
        return SOUNDS[plain]
    return plain.lower()[1:] if plain[:2] in ("TT", "DD", "NN") else plain.lower()
