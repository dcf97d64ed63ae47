"""The tone of a text by a word list (VADER). It knows English; of other languages it says nothing."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from engine.errors import ModelUnavailable
from engine.text.sentences import Sentence
from engine.text.types import Answer

if TYPE_CHECKING:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

CLEAR = 0.05
"""VADER's own bound between neutral and not."""


def sentiment(found: Sequence[Sentence], code: str | None) -> Answer:
    if code != "en":
        raise ModelUnavailable(
            "model_unavailable",
            f"The built-in word list for sentiment knows English only, not {_named(code)}. A language model can tell: "
            "the operator can name a server in STT_LLM_URL, or fetch one with `manage.py models fetch`.",
        )
    analyzer = _analyzer()
    tones = [float(analyzer.polarity_scores(sentence.text)["compound"]) for sentence in found]
    score = round(sum(tones) / len(tones), 4) if tones else 0.0
    label = "positive" if score >= CLEAR else "negative" if score <= -CLEAR else "neutral"
    return {"label": label, "score": score}


def _named(code: str | None) -> str:
    return f"the language of this text ({code})" if code else "this language"


@cache
def _analyzer() -> "SentimentIntensityAnalyzer":
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
