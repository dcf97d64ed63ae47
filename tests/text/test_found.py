"""How much the rules find, with floors a little below what `python -m benchmarks.text` prints."""

import pytest

from tests.text.labelled import transcripts
from tests.text.labelled.scoring import total
from tests.text.meaning import shared_words

# kind: (precision, recall) of the transcripts that rules were tuned on, and of those set aside
FLOORS = {
    "action_items": ((0.95, 0.92), (0.78, 0.82)),
    "questions": ((0.95, 0.95), (0.88, 0.85)),
    "entities": ((0.95, 0.95), (0.88, 0.92)),
    "pii": ((0.97, 0.97), (0.90, 0.93)),
}


@pytest.mark.parametrize("held_out", [False, True], ids=["tuned on", "set aside"])
@pytest.mark.parametrize("kind", FLOORS)
def test_what_is_marked_is_found_and_little_else(kind: str, held_out: bool) -> None:
    score = total(kind, [one for one in transcripts() if one.held_out is held_out], shared_words)
    precision, recall = FLOORS[kind][held_out]
    assert score.precision >= precision
    assert score.recall >= recall
