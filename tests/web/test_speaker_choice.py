"""The choice of speakers on the form that sends a recording."""

import pytest

from transcripts.web.forms import transcribe_options


@pytest.mark.parametrize(
    ("sent", "meant"),
    [("", (True, None)), ("3", (True, 3)), ("off", (False, None)), ("11", (True, None)), ("x", (True, None))],
)
def test_speakers_are_on_unless_somebody_says_otherwise(sent: str, meant: tuple[bool, int | None]) -> None:
    options = transcribe_options({"speakers": [sent]})
    assert (options.diarize, options.speakers) == meant
    assert transcribe_options({}).diarize
