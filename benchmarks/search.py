"""Searching and asking in a large account: an index of so many segments, then queries one after another.

    python -m benchmarks.search [--segments 100000] [--queries 100] [--url postgresql://…]

Speech is made up of a vocabulary with the frequencies of a language; vectors are random, which takes as long as real
ones. The query's vector is the real embedder's, in this process. On SQLite in a folder of its own, and on PostgreSQL
where `--url` names an empty database.
"""

import argparse
import os
import platform
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

SENTENCE = 14
"""Words of a segment."""
SEGMENTS_A_TALK = 500


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--segments", type=int, default=100_000)
    arguments.add_argument("--queries", type=int, default=100)
    arguments.add_argument("--url", default="")
    wish = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "tests.settings", "STT_DATA_DIR": folder}
        os.environ["DATABASE_URL"] = wish.url or f"sqlite:///{folder}/search.sqlite3"
        import django

        django.setup()
        _run(wish.segments, wish.queries)


def _run(segments: int, queries: int) -> None:
    from django.core.management import call_command
    from django.db import connection

    from accounts.models import User
    from transcripts import engine_gateway, search
    from transcripts.models import Passage
    from transcripts.services import chat

    call_command("migrate", verbosity=0)
    owner = User.objects.create_user("owner@example.org")
    rng = random.Random(7)
    words = [_word(rng) for _ in range(20_000)]
    chances = [1 / (rank + 3) for rank in range(len(words))]
    began = time.perf_counter()
    _fill(owner, segments, lambda count: rng.choices(words, chances, k=count))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    filled = time.perf_counter() - began
    texts = list(Passage.objects.order_by("?").values_list("text", flat=True)[: queries + 5])
    asked = [" ".join(rng.sample(text.split(), rng.choice((1, 2, 3)))) for text in texts]
    questions = ["what did they say about " + " ".join(rng.sample(text.split(), 3)) for text in texts]

    def first_token(question: str) -> None:
        next(event for event in chat.ask(owner, None, question) if isinstance(event, chat.Piece))

    version = sqlite3.sqlite_version if connection.vendor == "sqlite" else _version(connection)
    print(f"{segments:,} segments, {Passage.objects.count():,} passages, filled in {filled:.0f} s")
    print(f"{connection.vendor} {version}, Python {platform.python_version()}, {os.cpu_count()} cores, {_processor()}")
    engine_gateway.embed(["warm"])
    began = time.perf_counter()
    search.search(owner, questions[0], by="meaning")
    print(f"the first search by meaning of a process reads the vectors: {time.perf_counter() - began:.2f} s")
    print(f"{'':32}{'p50 ms':>8}{'p95 ms':>8}{'most':>8}")
    for name, each, what in (
        ("embedding of the query alone", questions, lambda query: engine_gateway.embed([query])),
        ("search by words", asked, lambda query: search.search(owner, query, by="words")),
        ("search by meaning", questions, lambda query: search.search(owner, query, by="meaning")),
        ("search by both, words", asked, lambda query: search.search(owner, query)),
        ("search by both, questions", questions, lambda query: search.search(owner, query)),
        ("chat over all: first token", questions, first_token),
    ):
        _row(name, each, what)


def _row(name: str, queries: list[str], what: Callable[[str], Any]) -> None:
    for query in queries[:5]:
        what(query)
    took = []
    for query in queries[5:]:
        began = time.perf_counter()
        what(query)
        took.append((time.perf_counter() - began) * 1000)
    p95 = statistics.quantiles(took, n=20)[-1]
    print(f"{name:32}{statistics.median(took):8.0f}{p95:8.0f}{max(took):8.0f}", flush=True)


def _fill(owner: Any, segments: int, some: Callable[[int], list[str]]) -> None:
    """Rows as services/index.py writes them."""
    import numpy
    from django.utils import timezone

    from engine.types import Segment
    from engine.types import Transcript as Document
    from stt_site.lib.ids import new_id
    from transcripts import terms, vectors
    from transcripts.models import Index, Job, Media, Passage, Transcript
    from transcripts.services.passages import cut

    rng = numpy.random.default_rng(7)
    for number in range(0, segments, SEGMENTS_A_TALK):
        now = timezone.now()
        media = Media.objects.create(key=new_id(22), owner=owner, filename="talk.wav", size=1, sha256="", format="wav")
        job = Job.objects.create(owner=owner, media=media, origin="api", options={}, state="succeeded", not_before=now)
        talk = Transcript.objects.create(
            public_id=f"tr_{number:010}",
            slug=f"talk-{number}",
            owner=owner,
            media=media,
            job=job,
            title=f"Talk {number}",
        )
        said = tuple(
            Segment(at * 5.0, at * 5.0 + 4, f"{' '.join(some(SENTENCE))}.", speaker=f"Speaker {at // 7 % 3 + 1}")
            for at in range(min(SEGMENTS_A_TALK, segments - number))
        )
        rows = []
        for order, each in enumerate(cut(Document("", "en", 1.0, 0.0, said, "made up"))):
            made = rng.standard_normal((len(each.parts), vectors.DIMENSIONS))
            made /= numpy.linalg.norm(made, axis=1, keepdims=True)
            rows.append(
                Passage(
                    owner=owner,
                    transcript=talk,
                    version=1,
                    order=order,
                    start=each.start,
                    end=each.end,
                    speaker=each.speaker,
                    text=each.text,
                    parts=[[part.segment, part.start, part.at, part.speaker] for part in each.parts],
                    terms=terms.joined(each.text),
                    embedding=made.astype(numpy.float16).tobytes(),
                )
            )
        Passage.objects.bulk_create(rows, batch_size=200)
        Index.objects.create(transcript=talk, stamp=new_id())


def _word(rng: random.Random) -> str:
    return "".join(rng.choice("bdfklmnprst") + rng.choice("aeiou") for _ in range(rng.randint(1, 4)))


def _version(connection: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return str(cursor.fetchone()[0])


def _processor() -> str:
    with open("/proc/cpuinfo") as lines:  # noqa: PTH123
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


if __name__ == "__main__":
    main()
