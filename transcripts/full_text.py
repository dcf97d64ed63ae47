"""Full text, as the database at hand has it. Whatever is asked is bound to one owner in SQL, and what a user typed
reaches the database as quoted terms only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from accounts.models import User
from transcripts.models import Passage, Transcript
from transcripts.terms import Clause

FOUND = {
    "sqlite": (
        "transcripts_words w CROSS JOIN transcripts_passage p ON p.id = w.rowid WHERE transcripts_words MATCH %s",
        "bm25(transcripts_words, 0.0, 1.0)",
    ),
    "postgresql": (
        "(SELECT %s::tsquery AS asked) q, transcripts_passage p WHERE p.words @@ q.asked",
        "-ts_rank_cd(p.words, q.asked, 2)",
    ),
}
"""The rows, and what orders them, the best first. CROSS JOIN has SQLite look into its index first."""
COMMON = 2000
"""A word of so many passages tells none of them from the others."""
MOST_NAMED = 20
"""Transcripts that are looked for in the index itself."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: in an owner's transcripts, of which `chosen` is a selection. None: all of them, not trashed."""

    owner: User
    chosen: QuerySet[Transcript] | None = None
    named: Sequence[int] = ()
    """The same few by number, where they are known."""

    def transcripts(self) -> QuerySet[Transcript]:
        mine = Transcript.objects.filter(owner=self.owner, trashed_at=None)
        if self.named:
            mine = mine.filter(pk__in=self.named)
        if self.chosen is not None:
            mine = mine.filter(pk__in=self.chosen.order_by().values("pk"))
        return mine

    def numbers(self) -> list[int] | None:
        """None: all that the owner has."""
        if self.chosen is None and not self.named:
            return None
        return list(self.transcripts().values_list("pk", flat=True))

    def size(self) -> int:
        """Passages in it."""
        return Passage.objects.filter(owner=self.owner, transcript__in=self.transcripts()).count()

    def sql(self) -> tuple[str, list[Any]]:
        try:
            inner, values = self.transcripts().values("pk").query.sql_with_params()
        except EmptyResultSet:  # Django knows that nothing can match, and makes no SQL of it
            return "1 = 0", []
        return f"p.owner_id = %s AND p.transcript_id IN ({inner})", [self.owner.pk, *values]


def says(owner: User, clauses: Sequence[Clause]) -> Q:
    """Of transcripts: all of this is said somewhere in it."""
    rows, _ = FOUND[connection.vendor]
    sql = f"SELECT p.transcript_id FROM {rows} AND p.owner_id = %s"  # noqa: S608
    whole = Q()
    for clause in clauses:
        whole &= Q(pk__in=RawSQL(sql, [_asked(Scope(owner), [clause]), owner.pk]))  # noqa: S611
    return whole


def ranked(scope: Scope, clauses: Sequence[Clause], limit: int) -> list[int]:
    """Passages that say all of it, the best first."""
    if not clauses:
        return []
    rows, order = FOUND[connection.vendor]
    where, values = scope.sql()
    sql = f"SELECT p.id FROM {rows} AND {where} ORDER BY {order}, p.id LIMIT %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [_asked(scope, clauses), *values, limit])
        return [pk for (pk,) in cursor.fetchall()]


def passages_of_each(scope: Scope, clauses: Sequence[Clause]) -> list[list[int]]:
    """For each clause the passages that say it; of a common one only the first."""
    if not clauses:
        return []
    rows, _ = FOUND[connection.vendor]
    where, values = scope.sql()
    one = f"SELECT * FROM (SELECT %s AS clause, p.id FROM {rows} AND {where} LIMIT %s) AS found"  # noqa: S608
    parameters: list[Any] = []
    for number, clause in enumerate(clauses):
        parameters += [str(number), _asked(scope, [clause]), *values, COMMON]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([one] * len(clauses)), parameters)
        found: list[list[int]] = [[] for _ in clauses]
        for number, pk in cursor.fetchall():
            found[int(number)].append(pk)
    return found


def first_in_each(scope: Scope, clauses: Sequence[Clause], *, any_of: bool) -> dict[int, Passage]:
    """By transcript, its first passage that says all (or any) of it."""
    if not clauses:
        return {}
    rows, _ = FOUND[connection.vendor]
    where, values = scope.sql()
    sql = f'SELECT p.transcript_id, min(p."order") FROM {rows} AND {where} GROUP BY p.transcript_id'  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [_asked(scope, clauses, any_of=any_of), *values])
        at = dict(cursor.fetchall())
    firsts = Q(pk=None)
    for transcript, order in at.items():
        firsts |= Q(transcript=transcript, order=order)
    mine = Passage.objects.filter(firsts, owner=scope.owner).defer("embedding", "terms")
    return {passage.transcript_id: passage for passage in mine}


def tidy() -> None:
    """SQLite's index keeps the words of what was deleted until its parts are merged: a bounded step of that."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO transcripts_words(transcripts_words, rank) VALUES ('merge', -500)")


def forget_deleted() -> None:
    """The same, to its end: after this no word of anything deleted is left."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO transcripts_words(transcripts_words) VALUES ('optimize')")


def _asked(scope: Scope, clauses: Sequence[Clause], *, any_of: bool = False) -> str:
    """A term has letters, signs and digits only (transcripts.terms), so within quotes it is nothing but itself."""
    if connection.vendor == "postgresql":
        return (" | " if any_of else " & ").join(map(_postgresql, clauses))
    said = (" OR " if any_of else " AND ").join(map(_sqlite, clauses))
    whole = f'whose : "o{scope.owner.pk}" AND terms : ({said})'
    if 0 < len(scope.named) <= MOST_NAMED:
        named = " OR ".join(f'"t{pk}"' for pk in scope.named)
        whole = f"whose : ({named}) AND {whole}"
    return whole


def _sqlite(clause: Clause) -> str:
    return f'"{" ".join(clause.terms)}"{" *" if clause.prefix else ""}'


def _postgresql(clause: Clause) -> str:
    *head, last = (f"'{term}'" for term in clause.terms)
    return f"({' <-> '.join([*head, last + (':*' if clause.prefix else '')])})"
