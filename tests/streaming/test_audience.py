"""Those who read a stream along: before it begins, in its middle, after its end."""

from collections.abc import Iterator

import pytest

from engine.streaming.events import SpeechStarted
from transcripts.streaming import audience
from transcripts.streaming.audience import Listener
from transcripts.streaming.said import StreamEvent

TOKEN = audience.view_token("a" * 32)
BEGAN, WORD = SpeechStarted(0.0), SpeechStarted(1.0)


class Speaker:
    def catch_up(self, listener: Listener) -> None:
        listener(BEGAN)


class Reader:
    def __init__(self) -> None:
        self.heard: list[StreamEvent] = []

    def say(self, event: StreamEvent) -> None:
        self.heard.append(event)


@pytest.fixture(autouse=True)
def tidy() -> Iterator[None]:
    yield
    assert not audience._rooms


def test_who_waits_and_who_comes_late_hear_the_same() -> None:
    early, late, speaker = Reader(), Reader(), Speaker()
    assert audience.enter(TOKEN, early.say)
    audience.speak(TOKEN, speaker)
    assert audience.enter(TOKEN, late.say)
    audience.say(TOKEN, WORD)
    assert early.heard == late.heard == [BEGAN, WORD]
    audience.leave(TOKEN, early.say)
    audience.fall_silent(TOKEN, speaker)
    audience.say(TOKEN, WORD)
    assert len(early.heard) == 2
    audience.leave(TOKEN, late.say)


def test_a_stream_that_was_taken_over_silences_nobody_else() -> None:
    reader, before, now = Reader(), Speaker(), Speaker()
    audience.enter(TOKEN, reader.say)
    audience.speak(TOKEN, before)
    audience.speak(TOKEN, now)
    audience.fall_silent(TOKEN, before)
    late = Reader()
    audience.enter(TOKEN, late.say)
    assert late.heard == [BEGAN]
    for each in (reader, late):
        audience.leave(TOKEN, each.say)
    audience.fall_silent(TOKEN, now)


def test_a_full_room_takes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "MOST_IN_A_ROOM", 1)
    first, second = Reader(), Reader()
    assert audience.enter(TOKEN, first.say)
    assert not audience.enter(TOKEN, second.say)
    audience.leave(TOKEN, first.say)


def test_a_room_cannot_be_found_from_its_token() -> None:
    assert audience.is_token(TOKEN)
    assert not audience.is_token("a" * 32)
    assert audience.view_token("b" * 32) != TOKEN
