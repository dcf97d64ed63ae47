"""Sentences that stand for themselves: said with weight, whole without their neighbours."""

from collections.abc import Sequence

from engine.text import ranking
from engine.text.languages import content_words, phrasebooks, words_of
from engine.text.questions import is_question
from engine.text.ranking import Embed
from engine.text.sentences import Sentence
from engine.text.summary import weights

MOST = 5
SHARE = 4
"""At most one sentence in so many is a quote."""
FEWEST_WORDS, MOST_WORDS = 8, 40


def key_quotes(found: Sequence[Sentence], embed: Embed, code: str | None, most: int = MOST) -> list[Sentence]:
    quotable = [sentence for sentence in found if _stands_alone(sentence.text, code)]
    if not quotable:
        return []
    telling = ranking.evenly(quotable, ranking.MOST_READ)
    rows = ranking.vectors(telling, embed, code)
    worth = weights(telling, rows, code) + [_rare(sentence.text, code) for sentence in telling]
    count = max(1, min(most, len(found) // SHARE))
    return [telling[at] for at in ranking.chosen(rows, worth, count)]


def _stands_alone(text: str, code: str | None) -> bool:
    count = len(words_of(text))
    return FEWEST_WORDS <= count <= MOST_WORDS and not is_question(text, phrasebooks(code))


def _rare(text: str, code: str | None) -> float:
    """Few of its words are function words."""
    return 0.5 * len(content_words(text, code)) / max(1, len(words_of(text)))
