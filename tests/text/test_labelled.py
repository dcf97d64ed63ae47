"""The labelled set itself: what is marked is there."""

from tests.text.labelled import transcripts


def test_the_set_is_as_large_as_it_says() -> None:
    assert len(transcripts()) >= 12
    assert {one.language for one in transcripts()} == {"en", "es", "de"}
    assert {one.hostile for one in transcripts() if one.held_out} == {True, False}
    assert 2 * sum(one.held_out for one in transcripts()) >= len(transcripts())
    assert sum(len(one.retrieval) for one in transcripts()) >= 60


def test_every_mark_stands_where_it_is_said_to() -> None:
    for transcript in transcripts():
        for kind, marks in transcript.gold.items():
            for mark in marks:
                text = transcript.lines[mark["line"]].text
                start = mark.get("start", text.find(mark["text"]))
                assert text[start : start + len(mark["text"])] == mark["text"], (transcript.name, kind, mark)
        assert all(0 <= one["line"] < len(transcript.lines) for one in transcript.retrieval)
