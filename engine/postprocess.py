"""What is done to a text only on request: hesitations left out, spaces and marks tidied, scripts put right.

Words go or change their letters; the times of those that stay are not touched; `Word.original` keeps what was heard.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from engine.letters import Placed, capitalized, folded, placed, rebuilt, shell
from engine.scripts import in_their_script
from engine.types import Options, Segment

FILLERS: dict[str, frozenset[str]] = {
    "en": frozenset({"um", "umm", "uh", "uhh", "uhm", "er", "erm", "hmm", "mm"}),
    "de": frozenset({"äh", "ähm", "öh", "öhm", "hm", "hmm"}),
    "fr": frozenset({"euh", "heu", "hum", "hmm"}),
    "es": frozenset({"eh", "em", "ehm", "hmm"}),
    "it": frozenset({"ehm", "eh", "mh", "hmm"}),
    "pt": frozenset({"hum", "hã", "hmm"}),
    "nl": frozenset({"eh", "ehm", "uh", "uhm", "hmm"}),
    "pl": frozenset({"yyy", "eee", "hmm"}),
    "ru": frozenset({"эм", "ээ", "эээ", "ммм"}),
    "hi": frozenset({"उम", "अम्", "हम्म", "um", "uh", "hmm"}),
}
"""Sounds that mean nothing. What is also a word of the language ("er" in German, "um" in Portuguese) is not here."""
PHRASES: dict[str, tuple[tuple[str, ...], ...]] = {
    "en": (("you", "know"), ("i", "mean")),
    "es": (("o", "sea"),),
    "fr": (("tu", "vois"), ("tu", "sais")),
}
"""These go only where commas set them off: "it is, you know, late", never "do you know him"."""
MARKS = re.compile(r"([,;:])[,;:]+")
SPACE_BEFORE = re.compile(r"\s+([,.;:!?…])(?=\s|$)")
FRENCH = frozenset({"fr"})
"""Writes a space before high marks."""


def tidied(segments: Sequence[Segment], options: Options) -> list[Segment]:
    steps: list[Callable[[Segment], Segment]] = []
    if options.normalize_script:
        steps.append(lambda segment: in_their_script(segment, options.keywords))
    if options.clean:
        steps += [without_fillers, with_clean_marks]
    result = list(segments)
    for step in steps:
        result = [step(segment) for segment in result]
    return result


def without_fillers(segment: Segment) -> Segment:
    """A segment that is nothing but hesitation stays: "Um." may be all that somebody answered."""
    language = segment.language or ""
    sounds = frozenset(map(folded, FILLERS.get(language, ())))
    words = placed(segment)
    dropped = {at for at, one in enumerate(words) if folded(one.word.text) in sounds}
    for phrase in PHRASES.get(language, ()):
        dropped |= _set_off(words, phrase)
    if not dropped or len(dropped) == len(words):
        return segment
    return rebuilt(segment, _without(words, dropped))


def _set_off(words: Sequence[Placed], phrase: Sequence[str]) -> set[int]:
    found: set[int] = set()
    texts = [folded(one.word.text) for one in words]
    for at in range(len(words) - len(phrase) + 1):
        end = at + len(phrase)
        opened = at == 0 or words[at - 1].word.text.endswith(",")
        closed = words[end - 1].word.text.endswith(",")
        if texts[at:end] == list(phrase) and opened and closed:
            found |= set(range(at, end))
    return found


def _without(words: Sequence[Placed], dropped: set[int]) -> list[Placed]:
    """A comma that only set the hesitation off goes with it; a mark that ended the sentence moves back a word."""
    kept: list[Placed] = []
    capital = False
    for at, one in enumerate(words):
        if at in dropped:
            mark = shell(one.word.text)[2]
            capital = capital or not kept or _ends_sentence(kept[-1].word.text)
            if kept:
                kept[-1] = _closed(kept[-1], mark)
            continue
        kept.append(one.saying(capitalized(one.word.text)) if capital and at - 1 in dropped else one)
        capital = False
    return kept


def _closed(word: Placed, mark: str) -> Placed:
    text = word.word.text
    if mark == "," and text.endswith(","):
        return word.saying(text[:-1])
    if mark.strip(",") and not _ends_sentence(text):
        return word.saying(text.rstrip(",") + mark)
    return word


def _ends_sentence(text: str) -> bool:
    return text.endswith((".", "?", "!", "…", "।"))


def with_clean_marks(segment: Segment) -> Segment:
    """One space between words, none before a mark, no mark twice."""
    text = " ".join(MARKS.sub(r"\1", segment.text).split())
    if segment.language not in FRENCH:
        text = SPACE_BEFORE.sub(r"\1", text)
    words = tuple(replace(word, text=MARKS.sub(r"\1", word.text)) for word in segment.words)
    return replace(segment, text=text, words=words)
