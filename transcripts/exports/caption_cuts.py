"""Where one caption ends and the next begins: hard cuts, and dynamic programming between them."""

from collections.abc import Sequence
from dataclasses import dataclass

from transcripts.exports import breaks
from transcripts.exports.caption_layout import Profile, by_words, line_width, pair_cost
from transcripts.exports.caption_words import Unit
from transcripts.exports.languages import HALF, limits, width

HARD_PAUSE = 1000
LOOK_BACK = 40


@dataclass(slots=True)
class Draft:
    units: list[Unit]
    start: int
    speech_end: int


def drafts(stream: Sequence[Unit], rules: Profile) -> list[Draft]:
    """Captions without their times yet: every unit once, in order."""
    result: list[Draft] = []
    for start, end in _groups(stream):
        result += _cut(stream, start, end, rules)
    return result


def draft_of(units: list[Unit]) -> Draft:
    return Draft(units, units[0].start, max(unit.end for unit in units))


def _groups(stream: Sequence[Unit]) -> list[tuple[int, int]]:
    """Between hard cuts: a change of voice or language, a long pause."""
    result, first, spoken_until = [], 0, 0
    for index, unit in enumerate(stream):
        before = stream[index - 1]
        if index and (
            unit.speaker != before.speaker
            or unit.language != before.language
            or (unit.start - spoken_until >= HARD_PAUSE and not before.label)
        ):
            result.append((first, index))
            first = index
        spoken_until = max(spoken_until, unit.end)
    if stream:
        result.append((first, len(stream)))
    return result


def _cut(stream: Sequence[Unit], start: int, end: int, rules: Profile) -> list[Draft]:
    """The cheapest way to cut one group into captions."""
    group = stream[start:end]
    after = stream[end].start if end < len(stream) else group[-1].end + rules.hang + rules.gap
    costs = _Costs(group, after, rules)
    count = len(group)
    cheapest: list[float] = [0.0] + [float("inf")] * count
    came_from = [0] * (count + 1)
    for first in range(count):
        if cheapest[first] == float("inf"):
            continue
        for stop, cost in costs.captions_from(first):
            if cheapest[first] + cost < cheapest[stop]:
                cheapest[stop] = cheapest[first] + cost
                came_from[stop] = first
    found: list[Draft] = []
    stop = count
    while stop:
        first = came_from[stop]
        found.append(draft_of(list(group[first:stop])))
        stop = first
    return found[::-1]


class _Costs:
    """What depends on one end of a caption only is worked out once: a 10 hour transcript has 1.5 million candidates."""

    def __init__(self, group: Sequence[Unit], after: int, rules: Profile) -> None:
        language = group[0].language
        space = width(" ", language)
        self.rules = rules
        self.group = group
        self.limit = line_width(rules, language)
        self.begins: list[int] = []
        self.ends: list[int] = []
        at = 0
        for unit in group:
            at += space if unit.space and self.begins else 0
            self.begins.append(at)
            at += width(unit.text, language)
            self.ends.append(at)
        self.words = [0]
        for unit in group:
            self.words.append(self.words[-1] + (not unit.label))
        self.ms_per_word = by_words(rules, language) or 0
        self.ms_per_half = 1000 / (limits(language).most * HALF)
        self.next_start = [unit.start for unit in group[1:]] + [after]
        self.tail = [self._tail(index) for index in range(len(group))]
        self.reach = self._reach()

    def captions_from(self, first: int) -> list[tuple[int, float]]:
        """(stop, cost) of every caption that may begin here."""
        group, rules = self.group, self.rules
        start, begin, words_before = group[first].start, self.begins[first], self.words[first]
        spoken_until = start
        result = []
        one_line = self.reach[first]
        last = self.reach[one_line] if one_line < len(group) else one_line
        for stop in range(first + 1, min(last, first + LOOK_BACK) + 1):
            unit = group[stop - 1]
            spoken_until = max(spoken_until, unit.end)
            words = self.words[stop] - words_before
            if unit.label:
                continue
            if words > 1 and spoken_until - start > rules.longest:
                break
            until = min(self.next_start[stop - 1] - rules.gap, max(spoken_until + rules.hang, start + rules.shortest))
            shown = max(until - start, 1)
            needed = words * self.ms_per_word if self.ms_per_word else (self.ends[stop - 1] - begin) * self.ms_per_half
            cost = 1.0 + self.tail[stop - 1]
            if needed > shown:
                cost += 20 * (needed / shown - 1)
            if shown < rules.shortest:
                cost += 6 * (rules.shortest - shown) / rules.shortest
            if words == 1:
                cost += 3
            result.append((stop, cost))
        return result

    def _tail(self, index: int) -> float:
        """Cost of ending a caption on this unit: punctuation, the pair that is parted, the pause."""
        unit = self.group[index]
        mark = breaks.ending(unit.text)
        cost = 0.0 if mark in breaks.SENTENCE_END else 1.0 if mark in breaks.CLAUSE_END else 2.0
        if index + 1 < len(self.group):
            following = self.group[index + 1]
            cost += pair_cost(unit, following)
            cost -= min(4.0, 2 * max(0, following.start - unit.end) / 300)
        return cost

    def _reach(self) -> list[int]:
        """For each unit the first one that no longer fits on a line beginning with it."""
        result, stop = [], 0
        for first, begin in enumerate(self.begins):
            stop = max(stop, first + 1)
            while stop < len(self.group) and self.ends[stop] - begin <= self.limit:
                stop += 1
            result.append(stop)
        return result
