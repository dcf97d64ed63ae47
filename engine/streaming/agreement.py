"""Which part of a changing hypothesis may be shown as settled: LocalAgreement-2 (Liu et al. 2020; Macháček et al. 2023,
arXiv 2307.14743) over hypotheses that begin at the same sample, so that no times are needed to compare them."""

from collections.abc import Sequence
from itertools import takewhile

from engine.letters import bare

UNSPACED = frozenset({"zh", "yue", "ja", "th", "lo", "my", "km"})
"""Languages that are compared letter by letter."""


class Agreement:
    """Of one utterance. What is stable grows and never changes."""

    def __init__(self, language: str | None = None) -> None:
        self._glue = "" if language in UNSPACED else " "
        self._previous: list[str] = []
        self.stable: list[str] = []
        self.text = ""
        """What is shown."""
        self.latest = ""
        """The newest hypothesis, as it came."""
        self.conflicts = 0
        """How often two later hypotheses agreed on something else than what was stable."""

    @property
    def stable_characters(self) -> int:
        return len(self._glue.join(self.stable))

    def hear(self, text: str, *, hold_last: bool) -> None:
        """A new hypothesis. `hold_last`: its last word may be cut off by the end of the audio."""
        words = text.split() if self._glue else list(text.strip())
        agreed = _common(self._previous, words)
        if hold_last:
            agreed = min(agreed, len(words) - 1)
        if _common(self.stable, words) == len(self.stable):
            self.stable += words[len(self.stable) : agreed]
        elif agreed > len(self.stable):
            self.conflicts += 1
        self._previous, self.latest = words, text
        self.text = self._glue.join([*self.stable, *words[len(self.stable) :]])


def _common(first: Sequence[str], second: Sequence[str]) -> int:
    """How many words at the beginning are the same, but for case and punctuation."""
    return sum(1 for _ in takewhile(lambda pair: _same(*pair), zip(first, second, strict=False)))


def _same(first: str, second: str) -> bool:
    return first == second or (bare(first) == bare(second) != "")
