"""How long a stream waits, and how far it may go (streaming.md 2.1)."""

from dataclasses import dataclass

from django.conf import settings

CONFIG_SECONDS = 10.0
FIRST_AUDIO_SECONDS = 30.0
IDLE_SECONDS = 60.0
BEAT_SECONDS = 5.0
LOW_MS = 35_000
"""With less paid for ahead, more is asked for at once."""
WARN_BEFORE_END_MS = (30_000, 10_000)
FAST_WARNING_MS = 10_000
"""So far ahead of the clock the client is told that it is too fast."""
MOST_FINALS = 200
"""Kept in memory for a client that comes back."""
FINALS_OF_A_READER = 20
"""Told to one who begins to read along."""
LONGEST_FULL_TEXT = 1_000_000
LINGER_SECONDS = 31.0


def detach_seconds() -> float:
    """How long a stream waits for a client whose connection broke."""
    return float(settings.STREAM_DETACH_SECONDS)


def most_ahead_ms() -> float:
    """How far the sound may run ahead of the clock."""
    return 1000 * float(settings.STREAM_AHEAD_SECONDS)


@dataclass(slots=True)
class Pace:
    """Is the sound faster than speech can be?"""

    began: float | None = None
    sent_ms: int = 0
    warned: bool = False

    def ahead_ms(self, now: float, received_ms: int) -> int:
        if self.began is None:
            self.began = now
        self.sent_ms = received_ms
        return received_ms - round((now - self.began) * 1000)
