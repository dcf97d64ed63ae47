import pytest

from transcripts.api.labels import Spelling, letters, plain, spelled, underscored


@pytest.mark.parametrize(
    ("spelling", "first", "last"),
    [(plain, "Speaker 1", "Speaker 28"), (underscored, "SPEAKER_00", "SPEAKER_27"), (letters, "A", "AB")],
)
def test_a_speaker_is_spelled_as_a_dialect_does(spelling: Spelling, first: str, last: str) -> None:
    speakers = ["Speaker 1", "Ana", "Speaker 28", "Speaker Nine"]
    names = {"Speaker 1": first, "Ana": "Ana", "Speaker 28": last, "Speaker Nine": "Speaker Nine"}
    assert spelled(speakers, spelling) == names
