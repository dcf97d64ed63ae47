"""Vocabulary after the fact: words that nearly are one of the caller's terms become that term.

How near they must be, and how sure the recogniser may have been of them, follows from the term's weight. Terms are
compared literally, by their letters and (in Latin script) by their sound; nothing of them is a pattern.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import jellyfish
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from engine.letters import Placed, capitalized, folded, placed, rebuilt, script_of, shell
from engine.types import MAX_WEIGHT, Keyword, Segment, Word

NEAREST, FARTHEST = 0.95, 0.65
"""How much alike (0..1) a word and a term must be, at weight 0 and at the greatest weight."""
DOUBT, MORE_DOUBT = 0.6, 0.9
"""Words surer than this are left alone, at weight 0 and at the greatest weight."""
INSISTENT = 3.0
"""From this weight on a word that sounds just like the term is replaced however sure the recogniser was."""
SOUNDS_ALIKE = 0.7
"""Share of letters that must agree for that too: "akme" and "Acme", not "knew" and "Noah"."""
SHORT = 3
"""Terms of so few letters are too near to everything: all letters must agree."""
SYLLABIC = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")
"""One letter of theirs says as much as a syllable."""
WORTH_A_LOOK = 0.4
SUFFIXES = ("'s", "’s")


@dataclass(frozen=True, slots=True)
class _Term:
    keyword: Keyword
    words: tuple[str, ...]
    letters: str
    script: str

    @property
    def is_short(self) -> bool:
        return len(self.letters) <= (1 if self.script in SYLLABIC else SHORT)

    @property
    def reach(self) -> float:
        return min(self.keyword.weight, MAX_WEIGHT) / MAX_WEIGHT


@dataclass(frozen=True, slots=True)
class _Match:
    """Words `start` to `end` are the term; `likeness` 1 means letter for letter."""

    start: int
    end: int
    term: _Term
    likeness: float


class Vocabulary:
    """The caller's terms, ready for the words of many segments."""

    def __init__(self, keywords: Sequence[Keyword]) -> None:
        terms = [_Term(one, tuple(one.term.split()), folded(one.term), script_of(one.term)) for one in keywords]
        self._terms = [term for term in terms if term.letters]
        self._letters = [term.letters for term in self._terms]
        self._own = frozenset(self._letters)
        self._near: dict[str, list[tuple[_Term, float]]] = {}

    def boosted(self, segments: Sequence[Segment]) -> tuple[Segment, ...]:
        if not self._terms:
            return tuple(segments)
        return tuple(self._boosted(segment) if segment.words else segment for segment in segments)

    def _boosted(self, segment: Segment) -> Segment:
        words = placed(segment)
        taken: list[_Match] = []
        for match in sorted(self._matches(words), key=lambda match: (-match.likeness, match.start, match.end)):
            if all(match.end <= other.start or match.start >= other.end for other in taken):
                taken.append(match)
        for match in sorted(taken, key=lambda match: -match.start):
            words[match.start : match.end] = _replaced(words[match.start : match.end], match.term)
        return rebuilt(segment, words) if taken else segment

    def _matches(self, words: Sequence[Placed]) -> Iterator[_Match]:
        longest = 2 * max(map(len, self._letters))
        for start in range(len(words)):
            letters = ""
            for end in range(start + 1, len(words) + 1):
                letters += _letters(words[end - 1].word.text)
                if len(letters) > longest:
                    break
                for term, likeness in self._near_to(letters):
                    if self._is_meant(words[start:end], letters, term, likeness):
                        yield _Match(start, end, term, likeness)

    def _near_to(self, letters: str) -> list[tuple[_Term, float]]:
        """Terms that share enough letters to be worth a closer look; speech repeats its words, so answers are kept."""
        if letters not in self._near:
            scorer = Levenshtein.normalized_similarity
            found = process.extract(letters, self._letters, scorer=scorer, score_cutoff=WORTH_A_LOOK, limit=None)
            near = [(self._terms[index], _likeness(letters, self._terms[index], share)) for _, share, index in found]
            self._near[letters] = near
        return self._near[letters]

    def _is_meant(self, words: Sequence[Placed], letters: str, term: _Term, likeness: float) -> bool:
        spaced = any(one.space for one in words[1:])
        if spaced and (len(words) > len(term.words) + 1 or any(_ends_clause(one.word.text) for one in words[:-1])):
            return len(term.letters) == len(words) == len(letters) >= SHORT and likeness == 1.0  # "G P T"
        if likeness == 1.0:
            return len(words) == len(term.words) or len(letters) >= SHORT
        if term.is_short or letters in self._own or script_of(words[0].word.text) != term.script:
            return False
        if term.keyword.weight >= INSISTENT and _same_sound(letters, term.letters):
            return True
        surest = max(one.word.probability for one in words)
        needed = NEAREST - (NEAREST - FARTHEST) * term.reach
        return likeness >= needed and surest < DOUBT + (MORE_DOUBT - DOUBT) * term.reach


def _ends_clause(text: str) -> bool:
    return bool(_core(text)[2].strip("'’s"))


def _likeness(letters: str, term: _Term, spelling: float) -> float:
    if spelling == 1.0 or term.script != "LATIN" or not (letters + term.letters).isascii():
        return spelling
    sound = Levenshtein.normalized_similarity(_sound(letters), _sound(term.letters))
    return float(spelling + sound) / 2


def _same_sound(letters: str, term: str) -> bool:
    sound = _sound(term)
    alike = Levenshtein.normalized_similarity(letters, term) >= SOUNDS_ALIKE
    return bool(sound) and alike and _sound(letters) == sound


@lru_cache(maxsize=65536)
def _sound(letters: str) -> str:
    return str(jellyfish.metaphone(letters)) if letters.isascii() else ""


@lru_cache(maxsize=65536)
def _letters(text: str) -> str:
    return folded(_core(text)[0])


def _core(text: str) -> tuple[str, str, str]:
    """The word itself, and what stands before and behind it; "Acme's," is "Acme" with "'s,"."""
    before, word, after = shell(text)
    for suffix in SUFFIXES:
        if word.casefold().endswith(suffix) and len(word) > len(suffix):
            return word[: -len(suffix)], before, word[-len(suffix) :] + after
    return word, before, after


def _replaced(heard: Sequence[Placed], term: _Term) -> list[Placed]:
    """The term in place of what was heard, in its time, with its punctuation and the capital that began a sentence."""
    first, last = _core(heard[0].word.text), _core(heard[-1].word.text)
    texts = list(term.words)
    if term.keyword.term.islower() and first[0][:1].isupper():
        texts[0] = capitalized(texts[0])
    texts[0] = first[1] + texts[0]
    texts[-1] += last[2]
    if len(texts) == len(heard):
        return [one.saying(text) for one, text in zip(heard, texts, strict=True)]
    phrase = heard[0].word.text + "".join(one.space + one.word.text for one in heard[1:])
    return _spread(heard, texts, phrase)


def _spread(heard: Sequence[Placed], texts: Sequence[str], phrase: str) -> list[Placed]:
    """Other words than were heard share their time by length."""
    start, end = heard[0].word.start, heard[-1].word.end
    probability = min(one.word.probability for one in heard)
    total = sum(map(len, texts))
    spread: list[Placed] = []
    at = 0
    for index, text in enumerate(texts):
        left = start + (end - start) * at / total
        at += len(text)
        right = end if index == len(texts) - 1 else start + (end - start) * at / total
        spread.append(Placed(" ", Word(text, round(left, 3), round(right, 3), probability, phrase)))
    spread[0] = replace(spread[0], space=heard[0].space)
    return spread
