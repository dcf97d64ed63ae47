"""How people ask, promise, order and decide in a language: the patterns of `engine/lexicon/phrases/<language>.txt`."""

from functools import cache, cached_property

import regex

from engine.text.wordlists import FOLDER, Pattern, wordlists

PHRASES = "phrases"


class Phrasebook:
    def __init__(self, code: str) -> None:
        self.code = code
        self._lists = wordlists(f"{PHRASES}/{code}.txt")

    @cached_property
    def fillers(self) -> frozenset[str]:
        """Words of talk that say nothing about its subject, besides the function words."""
        return frozenset(self._lists.words("fillers"))

    @cached_property
    def tags(self) -> frozenset[str]:
        """ "Right?": asks nothing by itself."""
        return frozenset(self._lists.words("tags"))

    @cached_property
    def determiners(self) -> frozenset[str]:
        """What stands before nouns."""
        return frozenset(self._lists.words("determiners"))

    @cached_property
    def question(self) -> Pattern:
        """How a question begins where no mark ends it."""
        return self._lists.pattern("asks")

    @cached_property
    def commitment(self) -> Pattern:
        """Somebody says what they themselves will do."""
        return self._lists.pattern("commits")

    @cached_property
    def request(self) -> Pattern:
        return self._lists.pattern("requests")

    @cached_property
    def need(self) -> Pattern:
        return self._lists.pattern("needs")

    @cached_property
    def assignment(self) -> Pattern:
        """Somebody else will; the group `owner` is who. Names are told from other words by their capital."""
        return self._lists.pattern("assigns", regex.VERSION1)

    @cached_property
    def no_action(self) -> Pattern:
        """Sounds like an action and is none: "I'll be honest"."""
        return self._lists.pattern("no_action")

    @cached_property
    def deadline(self) -> Pattern:
        """Until when; in the group `due`."""
        return self._lists.pattern("deadlines")

    @cached_property
    def decision(self) -> Pattern:
        return self._lists.pattern("decides")

    @cached_property
    def unsure(self) -> Pattern:
        """A question stays open."""
        return self._lists.pattern("unsure")


@cache
def phrasebook(code: str | None) -> Phrasebook | None:
    return Phrasebook(code) if code in languages() else None


@cache
def languages() -> tuple[str, ...]:
    return tuple(sorted(file.stem for file in (FOLDER / PHRASES).glob("*.txt")))
