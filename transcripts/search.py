"""Finding what was said: by its words, by what it means, or both. Everything here is bound to one owner."""

import logging
import math
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Literal

from accounts.models import User
from stt_site.lib.errors import ServiceError
from transcripts import engine_gateway, full_text, library, snippets, vectors
from transcripts.full_text import Scope
from transcripts.library import Filters
from transcripts.models import Passage, Transcript
from transcripts.snippets import Piece
from transcripts.terms import Clause, clauses, grams, terms
from transcripts.vectors import Near, Vectors

By = Literal["words", "meaning", "both"]
DEPTH = 50
"""Passages that each way of looking may put forward, and so about the most that are ever shown."""
UNLIKE = 0.2
"""The cosine below which two texts have nothing to do with each other."""
WORDS_WEIGH = 0.5
"""What words in common count for beside the cosine (docs/decisions/0019 has the measurement)."""
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hit:
    """`start` is when to listen, `part` which of the passage's parts that is. `score` orders the hits of one search.
    `likeness` is the cosine of passage and query, None where it is not known; `shared` the share of the query's telling
    pieces of words that the passage has, 0..1."""

    transcript: Transcript
    passage: Passage
    part: int
    start: float
    pieces: tuple[Piece, ...]
    score: float
    by: Literal["words", "meaning"]
    likeness: float | None
    shared: float


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
    wish = replace(filters or Filters(), query="")
    scope = Scope(user, library.matching(user, wish) if wish != Filters() else None)
    return look(scope, query, by=by, limit=limit, behind=behind, speaker=wish.speaker)


def look(scope: Scope, query: str, *, by: By = "both", limit: int, behind: int = 0, speaker: str = "") -> list[Hit]:
    """In the scope, the best first; with `speaker`, passages in which that one says something."""
    query = " ".join(query.replace("\0", " ").split())
    if not query:
        return []
    # The engine's turn while the database looks for the words.
    vector = engine_gateway.beside(lambda: engine_gateway.embed([query])[0]) if by != "words" else None
    said = _by_words(scope, query, whole=by == "words") if by != "meaning" else []
    near = _by_meaning(scope, vector, said, must=by == "meaning") if vector else {}
    meant = [pk for pk, each in near.items() if each.likeness >= UNLIKE]
    rows = _rows(scope.owner, list(dict.fromkeys([*said, *meant])))
    shared = _shared(query, rows)
    words = set(said)

    def score(row: Passage) -> float:
        likeness = max(near[row.pk].likeness, 0.0) if row.pk in near else 0.0
        return likeness + (WORDS_WEIGH * shared[row.pk] if by != "meaning" else 0.0)

    if speaker:
        rows = [row for row in rows if any(part[3] == speaker for part in row.parts)]
    if by != "words":
        rows.sort(key=score, reverse=True)
    shown = rows[behind : behind + limit]
    return [_hit(row, query, near.get(row.pk), shared[row.pk], score(row), row.pk in words) for row in shown]


def _rows(owner: User, order: Sequence[int]) -> list[Passage]:
    mine = Passage.objects.filter(owner=owner, transcript__trashed_at=None, pk__in=order)
    found = {row.pk: row for row in mine.select_related("transcript").defer("embedding", "transcript__text")}
    return [found[pk] for pk in order if pk in found]


def _hit(row: Passage, query: str, near: Near | None, shared: float, score: float, by_words: bool) -> Hit:
    found = snippets.best(row, query, fallback=near.part if near else 0)
    return Hit(
        row.transcript,
        row,
        found.part,
        row.parts[found.part][1],
        found.pieces,
        score,
        "words" if by_words else "meaning",
        near.likeness if near else None,
        shared,
    )


def _by_words(scope: Scope, query: str, *, whole: bool) -> list[int]:
    """Passages that say all of it, then those that say some, by how much it tells; with `whole`, only where the
    transcript says all of it somewhere."""
    asked = clauses(query)
    if not asked:
        return []
    exact = full_text.ranked(scope, asked, DEPTH)
    if len(exact) == DEPTH or (whole and len(asked) == 1):
        return exact
    if whole:
        saying = scope.transcripts().filter(full_text.says(scope.owner, asked)).values_list("pk", flat=True)
        scope = replace(scope, chosen=None, named=list(saying))
        if not scope.named:
            return []
    return list(dict.fromkeys([*exact, *_by_some_words(scope, asked)]))[:DEPTH]


def _by_some_words(scope: Scope, asked: Sequence[Clause]) -> list[int]:
    sayers = full_text.passages_of_each(scope, _words(asked))
    size = scope.size()
    scores: dict[int, float] = {}
    for those in sayers:
        if len(those) < full_text.COMMON:
            for pk in those:
                scores[pk] = scores.get(pk, 0.0) + _weight(len(those), size)
    return sorted(scores, key=lambda pk: (-scores[pk], pk))[:DEPTH]


def _weight(having: int, all_: int) -> float:
    """What a word or a piece of one tells: next to nothing, where everything has it."""
    return math.log((all_ + 1) / (having + 0.5))


def _words(asked: Sequence[Clause]) -> list[Clause]:
    """Each word for itself."""
    single = [
        Clause((term,), clause.prefix and at == len(clause.terms) - 1)
        for clause in asked
        for at, term in enumerate(clause.terms)
    ]
    return list(dict.fromkeys(single))


def _by_meaning(scope: Scope, query: Future[Vectors], also: Sequence[int], *, must: bool) -> dict[int, Near]:
    try:
        vector = query.result()
    except ServiceError as error:
        if must:
            raise
        logger.warning("A search goes by words alone: %s", error.message)
        return {}
    return vectors.nearest(scope.owner, vector, scope.numbers(), DEPTH, also)


def _shared(query: str, rows: Sequence[Passage]) -> dict[int, float]:
    """By passage, how much of the query's words it has, inflected or not; rare pieces count for more."""
    wanted = grams(term.text for term in terms(query))
    had = {row.pk: wanted & grams(row.terms.split()) for row in rows}
    counts = Counter(piece for pieces in had.values() for piece in pieces)
    weights = {piece: max(_weight(counts[piece], len(rows)), 0.0) for piece in wanted}
    total = sum(weights.values()) or 1.0
    return {pk: sum(weights[piece] for piece in pieces) / total for pk, pieces in had.items()}
