"""Finding what was said: by its words, by what it means, or both. Everything here is bound to one owner."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from accounts.models import User
from stt_site.lib.errors import ServiceError
from transcripts import engine_gateway, full_text, library, snippets, vectors
from transcripts.full_text import Scope
from transcripts.library import Filters
from transcripts.models import Passage, Transcript
from transcripts.snippets import Piece
from transcripts.terms import Clause, clauses

By = Literal["words", "meaning", "both"]
DEPTH = 100
"""Passages that each way of looking may put forward, and so the most that are ever shown."""
RANK = 60
"""Of reciprocal rank fusion: how little the very first places count for more than the next."""
WORST = 0.2
"""Cosine below which two texts have nothing to do with each other."""
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hit:
    """`start` is when to listen. `score` orders the hits of one search, 0..1; `likeness` is the cosine of passage and
    query, None where it was not asked for; `coverage` the share of the query's telling words that the passage has."""

    transcript: Transcript
    passage: Passage
    start: float
    pieces: tuple[Piece, ...]
    score: float
    by: Literal["words", "meaning"]
    likeness: float | None = None
    coverage: float = 0.0


@dataclass
class _Candidate:
    score: float = 0.0
    by_words: bool = False
    likeness: float | None = None
    coverage: float = 0.0


@dataclass(frozen=True, slots=True)
class Looked:
    """What was put forward, before anything is read of it: passages by number, the best first."""

    candidates: dict[int, _Candidate] = field(default_factory=dict)

    def ordered(self) -> list[int]:
        return sorted(self.candidates, key=lambda pk: (-self.candidates[pk].score, pk))


def search(
    user: User,
    query: str,
    *,
    filters: Filters | None = None,
    by: By = "both",
    limit: int = 20,
    behind: int = 0,
) -> list[Hit]:
    """The best first, without the first `behind`. `filters.query` is not looked at. By meaning alone it raises
    MODEL_UNAVAILABLE or ENGINE_UNAVAILABLE where nobody can compare meanings; by both it goes by words then."""
    query = " ".join(query.replace("\0", " ").split())
    if not query:
        return []
    wish = replace(filters or Filters(), query="")
    chosen = library.matching(user, wish) if wish != Filters() else None
    scope = Scope(user, chosen)
    looked = look(scope, query, by=by)
    return read(scope, query, looked, limit=limit, behind=behind, speaker=wish.speaker)


def look(scope: Scope, query: str, *, by: By = "both") -> Looked:
    legs: list[list[int]] = []
    looked = Looked()
    if by != "meaning":
        exact, scored = _by_words(_saying(scope, query) if by == "words" else scope, query)
        legs.append(list(dict.fromkeys([*exact, *scored]))[:DEPTH])
        for pk in legs[-1]:
            looked.candidates[pk] = _Candidate(by_words=True, coverage=scored.get(pk, 0.0))
    if by != "words":
        try:
            legs.append(_by_meaning(scope, query, looked))
        except ServiceError as error:
            if by == "meaning":
                raise
            logger.warning("A search goes by words alone: %s", error.message)
    for leg in legs:
        for rank, pk in enumerate(leg):
            looked.candidates[pk].score += (RANK + 1) / (RANK + 1 + rank) / len(legs)
    return looked


def read(scope: Scope, query: str, looked: Looked, *, limit: int, behind: int = 0, speaker: str = "") -> list[Hit]:
    rows = _rows(scope.owner, looked.ordered())
    if speaker:
        rows = [row for row in rows if any(part[3] == speaker for part in row.parts)]
    return [_hit(row, query, looked.candidates[row.pk]) for row in rows[behind : behind + limit]]


def _rows(owner: User, order: Sequence[int]) -> list[Passage]:
    mine = Passage.objects.filter(owner=owner, transcript__trashed_at=None, pk__in=order)
    found = {row.pk: row for row in mine.select_related("transcript").defer("embedding", "terms", "transcript__text")}
    return [found[pk] for pk in order if pk in found]


def _hit(row: Passage, query: str, candidate: _Candidate) -> Hit:
    start, pieces = snippets.best(row, query)
    by: Literal["words", "meaning"] = "words" if candidate.by_words else "meaning"
    return Hit(row.transcript, row, start, pieces, candidate.score, by, candidate.likeness, candidate.coverage)


def _saying(scope: Scope, query: str) -> Scope:
    """Only transcripts that say all of it somewhere."""
    saying = scope.transcripts().filter(full_text.says(scope.owner, clauses(query)))
    return replace(scope, chosen=saying)


def _by_words(scope: Scope, query: str) -> tuple[list[int], dict[int, float]]:
    """Passages that say all of it, and those that say some, with how much: rare words count for more."""
    asked = clauses(query)
    exact = full_text.ranked(scope, asked, DEPTH)
    words = _words(asked)
    sayers = full_text.passages_of_each(scope, words)
    whole = scope.size()
    weights = [_weight(len(those), whole) for those in sayers]
    total = sum(weights) or 1.0
    scored: dict[int, float] = {}
    for those, weight in zip(sayers, weights, strict=True):
        if weight > 0:
            for pk in those:
                scored[pk] = scored.get(pk, 0.0) + weight / total
    best = sorted(scored, key=lambda pk: (-scored[pk], pk))[:DEPTH]
    kept = {pk: scored[pk] for pk in best}
    return exact, kept | {pk: scored.get(pk, 0.0) for pk in exact if pk not in kept}


def _weight(sayers: int, whole: int) -> float:
    """What a word tells: nothing, where every passage has it."""
    return 0.0 if sayers >= full_text.COMMON else math.log((whole + 1) / (min(sayers, whole) + 0.5))


def _words(asked: Sequence[Clause]) -> list[Clause]:
    """Each word for itself; only the pairs of an unspaced script stay in a row."""
    single = [
        Clause((term,), clause.prefix and at == len(clause.terms) - 1)
        for clause in asked
        for at, term in enumerate(clause.terms)
    ]
    return list(dict.fromkeys(single))


def _by_meaning(scope: Scope, query: str, looked: Looked) -> list[int]:
    vector = engine_gateway.embed([query])[0]
    found, shelf = vectors.nearest(scope.owner, vector, scope.numbers(), DEPTH)
    leg = [pk for pk, likeness in found if likeness >= WORST]
    near = dict(found) | vectors.likeness(shelf, vector, [pk for pk in looked.candidates if pk not in dict(found)])
    for pk in leg:
        looked.candidates.setdefault(pk, _Candidate())
    for pk, candidate in looked.candidates.items():
        candidate.likeness = near.get(pk)
    return leg
