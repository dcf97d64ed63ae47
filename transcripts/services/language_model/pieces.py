"""An answer as it is written, a piece at a time: kept within its length, and without what a model only thought."""

from collections.abc import Generator
from contextlib import closing
from typing import Literal

CUT = " […]"
"""Ends an answer that grew too long."""
LONGEST_TOKEN = 40
"""Characters; beyond that a piece is more than one."""
THOUGHTS = ("<think>", "</think>")


def capped(pieces: Generator[str], most_tokens: int) -> Generator[str]:
    """For models that do not keep to the length that they were given."""
    count = length = 0
    with closing(pieces):
        for piece in pieces:
            count += 1
            length += len(piece)
            if count > most_tokens or length > most_tokens * LONGEST_TOKEN:
                yield CUT
                return
            yield piece


def without_thoughts(pieces: Generator[str]) -> Generator[str]:
    """Some models think aloud, in a block before the answer."""
    opening, ending = THOUGHTS
    state: Literal["beginning", "thinking", "answering"] = "beginning"
    held = ""
    with closing(pieces):
        for piece in pieces:
            held += piece
            if state == "beginning":
                held = held.lstrip()
                if opening.startswith(held):
                    continue
                state = "thinking" if held.startswith(opening) else "answering"
            if state == "thinking":
                _, found, rest = held.partition(ending)
                if not found:
                    continue
                held, state = rest.lstrip(), "answering"
            if held:
                yield held
            held = ""
        if state == "beginning" and held:
            yield held
