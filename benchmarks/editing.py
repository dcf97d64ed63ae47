"""What an edit of a three-hour transcript costs: 28,000 words on SQLite with every commit synced, beside writing all of
the document again.

    python -m benchmarks.editing [--words 28000] [--repeat 100]
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from statistics import median, quantiles
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transcripts.models import Transcript

PER_SENTENCE = 14
SECONDS = 3 * 3600
Step = Callable[[int], object]


def timed(step: Step, repeat: int) -> list[float]:
    """Milliseconds of each."""
    taken = []
    for number in range(repeat):
        begun = time.perf_counter()
        step(number)
        taken.append((time.perf_counter() - begun) * 1000)
    return taken


def row(name: str, taken: list[float]) -> None:
    p95 = quantiles(taken, n=20)[-1] if len(taken) > 1 else taken[0]
    print(f"| {name} | {median(taken):.1f} | {p95:.1f} |")


def prepare(words: int) -> "Transcript":
    from django.core.management import call_command

    from accounts.models import User
    from tests.web.rows import spoken, transcript

    call_command("migrate", verbosity=0)
    sentence = " ".join(f"word{number}" for number in range(PER_SENTENCE - 1)) + " end."
    count = words // PER_SENTENCE
    step = SECONDS / count
    segments = [
        spoken(sentence, step * at, per_word=step / PER_SENTENCE * 0.95, speaker=f"Speaker {at // 7 % 3 + 1}")
        for at in range(count)
    ]
    return transcript(User.objects.create_user("editor@example.com"), segments=segments)


def measure(words: int, repeat: int) -> None:
    import django

    django.setup()
    from django.db import transaction

    from transcripts import selectors
    from transcripts.models import Edit, Transcript, Turn
    from transcripts.services.editing import history, replace, rows, speakers, text

    made = prepare(words)
    owner = made.owner
    assert owner is not None
    shown = selectors.turns(made).turns

    def typed(number: int) -> None:
        turn = shown[number % len(shown)]
        now = Turn.objects.values_list("text", "rev").filter(key=turn.id).first() or (turn.text, turn.rev)
        text.edit(made, owner, turn.id, now[1], now[0].replace("word5", f"corrected{number}", 1))

    def all_again(number: int) -> None:
        """What an editor does that keeps a document in one piece."""
        with transaction.atomic():
            version = made.versions.get()
            states = [rows.state_of(each) for each in Turn.objects.filter(version=version)]
            Turn.objects.filter(version=version).delete()
            rows.write(version, states)
            whole = " ".join(state.text for state in states)
            Transcript.objects.filter(pk=made.pk).update(text=whole, word_count=len(whole.split()))

    print(f"{len(shown)} turns, {words} words\n\n| | p50 ms | p95 ms |\n|---|---|---|")
    row("the first edit, which writes the turns", timed(typed, 1))
    row("an edit of one turn", timed(lambda number: typed(number + 1), repeat))
    row("the same by writing all again", timed(all_again, max(3, repeat // 20)))
    row("undo", timed(lambda _: history.undo(made, owner), repeat))
    row("a new name for a speaker", timed(lambda n: speakers.rename(made, owner, {1: f"Name {n}"}), repeat))
    row("replace in every turn", timed(lambda n: replace.replace(made, owner, f"word{n + 7}", "other"), 3))
    row("reading all turns without words", timed(lambda _: selectors.turns(made), 10))
    made.refresh_from_db()
    row("reading the document for an export", timed(lambda _: selectors.document(made), 10))
    sizes = [len(json.dumps(changes)) for changes in Edit.objects.filter(kind="text").values_list("changes", flat=True)]
    whole = sum(len(json.dumps(segments)) for segments in Turn.objects.values_list("segments", flat=True))
    print(f"\nAn edit adds {median(sizes):.0f} bytes to the history (median); all turns together have {whole:,}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=28_000)
    parser.add_argument("--repeat", type=int, default=100)
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        os.environ |= {
            "STT_DATA_DIR": directory,
            "DJANGO_SETTINGS_MODULE": "stt_site.settings",
            "STT_LOG_LEVEL": "ERROR",
        }
        measure(wish.words, wish.repeat)


if __name__ == "__main__":
    main()
