"""Two hands at one document at the same moment, on a database of its own. Prints what came of each round as JSON."""

import json
import threading
from typing import Any

import django

django.setup()

from django.db import connections  # noqa: E402

from accounts.models import User  # noqa: E402
from tests.web.rows import spoken  # noqa: E402
from tests.web.rows import transcript as stored  # noqa: E402
from transcripts import selectors  # noqa: E402
from transcripts.models import Edit, Transcript  # noqa: E402
from transcripts.services.editing import text  # noqa: E402
from transcripts.services.editing.outcome import EditConflict  # noqa: E402

ROUNDS = 5
HANDS = 4


def race(made: Transcript, owner: User, turns: list[int]) -> list[str]:
    """One hand a turn of `turns`, each sure that nobody was there before."""
    ready, said = threading.Barrier(len(turns)), dict[int, str]()
    revs = {turn.id: turn.rev for turn in selectors.turns(made).turns}

    def hand(number: int, turn: int) -> None:
        ready.wait()
        try:
            text.edit(made, owner, turn, revs[turn], f"Hand {number} was here.")
            said[number] = "saved"
        except EditConflict as conflict:
            both = conflict.turn is not None and conflict.turn.text != conflict.yours
            said[number] = "shown both" if both else "lost"
        finally:
            connections.close_all()

    hands = [threading.Thread(target=hand, args=(number, turn)) for number, turn in enumerate(turns)]
    for each in hands:
        each.start()
    for each in hands:
        each.join()
    return sorted(said.values())


def main() -> None:
    owner = User.objects.create_user("racer@example.com")
    talk = [spoken(f"This is turn {number}.", 10.0 * number) for number in range(HANDS)]
    rounds: list[dict[str, Any]] = []
    for _ in range(ROUNDS):
        same, apart = stored(owner, segments=talk), stored(owner, segments=talk)
        one, each = race(same, owner, [0] * HANDS), race(apart, owner, list(range(HANDS)))
        numbers = list(Edit.objects.filter(transcript=apart).order_by("number").values_list("number", flat=True))
        rounds.append({"same": one, "apart": each, "numbers": numbers})
    print(json.dumps(rounds))


main()
