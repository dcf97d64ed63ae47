"""The tone of a text by word lists: VADER's for English, short ones of our own for Spanish and German.

Other languages are not guessed at.
"""

from collections.abc import Callable, Sequence
from functools import cache

import regex

from engine.errors import ModelUnavailable
from engine.text.languages import WORD
from engine.text.sentences import Sentence
from engine.text.types import Answer
from engine.text.wordlists import FOLDER, NO_CASE, wordlists

CLEAR = 0.05
"""VADER's own bound between neutral and not."""
MOST_NEUTRAL = 5
"""Sentences without a tone that count: most of what is said has none, also by people who are angry."""
POLITE = (
    *(
        "apologies",
        "dear",
        "excuse",
        "hello",
        "help",
        "like",
        "no",
        "ok",
        "okay",
        "please",
        "pretty",
        "regards",
        "sorry",
    ),
    *("sure", "thank", "thanks", "welcome", "well", "yes"),
)
"""Said in any tone."""
VALUES = {"awful": -3.1, "bad": -1.9, "good": 1.9, "great": 3.1}
"""VADER's weights of like words; below, too, its numbers for what a negation leaves and a sum's share."""
NEGATED, SPREAD = -0.74, 15
REACH = 3
"""Words that a negation reaches forward."""
TONES = "tone"


def sentiment(found: Sequence[Sentence], code: str | None) -> Answer:
    tone = _tone_of(code)
    tones = [tone(sentence.text) for sentence in found]
    toned = sum(abs(tone) >= CLEAR for tone in tones)
    counted = toned + min(len(tones) - toned, MOST_NEUTRAL)
    score = round(sum(tones) / counted, 4) if counted else 0.0
    label = "positive" if score >= CLEAR else "negative" if score <= -CLEAR else "neutral"
    return {"label": label, "score": score}


@cache
def _tone_of(code: str | None) -> Callable[[str], float]:
    """-1 to 1 for a sentence. Raises ModelUnavailable."""
    if code == "en":
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

        analyzer = SentimentIntensityAnalyzer()
        for word in POLITE:
            analyzer.lexicon.pop(word, None)
        return lambda text: float(analyzer.polarity_scores(text)["compound"])
    if code not in _listed():
        named = f"the language of this text ({code})" if code else "the language of this text"
        raise ModelUnavailable(
            "model_unavailable",
            f"The built-in word lists for sentiment do not know {named}. A language model can tell: the operator can "
            "name a server in STT_LLM_URL, or fetch one with `manage.py models fetch`.",
        )
    return _of_list(code)


def _of_list(code: str) -> Callable[[str], float]:
    lists = wordlists(f"{TONES}/{code}.txt")
    patterns = {name: regex.compile(rf"\b{lists.any_of(name)}", NO_CASE) for name in VALUES}
    negations = frozenset(lists.words("negation"))

    def tone(text: str) -> float:
        total = 0.0
        for name, pattern in patterns.items():
            for match in pattern.finditer(text):
                before = WORD.findall(text[: match.start()].casefold())[-REACH:]
                total += VALUES[name] * (NEGATED if negations.intersection(before) else 1)
        return float(total / (total * total + SPREAD) ** 0.5)

    return tone


@cache
def _listed() -> frozenset[str]:
    return frozenset(file.stem for file in (FOLDER / TONES).glob("*.txt"))
