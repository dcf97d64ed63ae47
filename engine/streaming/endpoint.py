"""Where utterances begin and end, from speech probabilities alone."""

from typing import Literal

from engine.vad import FRAME, START_PROBABILITY, STOP_PROBABILITY

CONFIRM = 2
"""Frames in a row that are speech begin an utterance (64 ms): a click is shorter."""

State = Literal["silence", "speech", "pause"]


class Endpointer:
    """`pause` is silence within an utterance, which may turn out to be its end. Positions are samples."""

    def __init__(self, start: int) -> None:
        self.state: State = "silence"
        self.at = start
        """Behind the last frame."""
        self.quiet_since = start
        """In a pause: where it began."""
        self._loud = 0

    @property
    def began(self) -> int:
        """Where the speech that was just confirmed, or may still be, began."""
        return self.at - self._loud * FRAME

    @property
    def quiet(self) -> int:
        return self.at - self.quiet_since if self.state == "pause" else 0

    @property
    def undecided(self) -> bool:
        """Has speech perhaps begun?"""
        return self.state == "silence" and self._loud > 0

    def push(self, probability: float) -> bool:
        """Takes one frame. Has the state changed?"""
        before = self.state
        self.at += FRAME
        if probability >= START_PROBABILITY:
            self._loud += 1
            if self.state == "pause" or self._loud >= CONFIRM:
                self.state = "speech"
        else:
            self._loud = 0
            if self.state == "speech" and probability < STOP_PROBABILITY:
                self.state, self.quiet_since = "pause", self.at - FRAME
        return self.state != before

    def reset(self) -> None:
        """The utterance is over."""
        self.state, self._loud = "silence", 0
