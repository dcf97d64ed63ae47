"""What a language model says, made harmless as it comes: text with citations of what it was shown, and nothing else.

A citation is a time in brackets, [12:04]. One that no source has is taken out, and so are pictures, links, tags and
addresses: a page or a program that renders Markdown must have nothing to load.
"""

import re
from collections.abc import Collection, Generator
from contextlib import closing

from transcripts.services.language_model.pieces import CUT

LONGEST = 400
"""Letters that are held back until it is clear what they are."""
OPENINGS = re.compile(r"!?\[|<(?=[a-z/!?]|$)|\b(?:https?|ftp|data|javascript|file|mailto):|\bwww\.|//", re.IGNORECASE)
LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()]*(?:\([^()]*\)[^()]*)*\)|\[[^\[\]]*\])")
BRACKETS = re.compile(r"!?\[([^\[\]]*)\]:?")
TAG = re.compile(r"<[^<>]*>")
ADDRESS = re.compile(r"(?:(?:https?|ftp|data|javascript|file|mailto):|www\.|//)\S*", re.IGNORECASE)
TIMES = re.compile(r"\s*(?:\d+:)?\d{1,2}:\d{2}\s*(?:[,;–-]\s*(?:\d+:)?\d{1,2}:\d{2}\s*)*")
TIME = re.compile(r"(?:\d+:)?\d{1,2}:\d{2}")
JOINED = re.compile(r"[a-z:/.]{2}|<.|!\[|\][(\[:]", re.IGNORECASE | re.DOTALL)
"""Two letters that might open something, or be in the middle of it, if what stood between them is gone."""


def clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def cleaned(pieces: Generator[str], times: Collection[str]) -> Generator[str]:
    """`times` are those that may be cited, as `clock` writes them."""
    last, gone = "", False
    for said, rewritten in _parts(pieces, times):
        gone = gone or rewritten
        if said:
            yield f" {said}" if gone and JOINED.fullmatch(last + said[0]) else said
            last, gone = said[-1], rewritten


def _parts(pieces: Generator[str], times: Collection[str]) -> Generator[tuple[str, bool]]:
    """What is left of each part, and whether that is another than it was."""
    held = ""
    with closing(pieces):
        for piece in pieces:
            held += piece
            while held:
                before = held
                said, held, waiting = _step(held, times, ended=False)
                yield said, said + held != before
                if waiting:
                    break
    while held:
        before = held
        said, held, _ = _step(held, times, ended=True)
        yield said, said + held != before


def inert(quote: str) -> str:
    """A sentence of a recording with all its words, of which Markdown and HTML make nothing."""
    return re.sub(r"<(?=\s*[a-z/!?])", "‹", re.sub(r"\](?=\s?[(\[:])", "］", quote), flags=re.IGNORECASE)


def _step(held: str, times: Collection[str], *, ended: bool) -> tuple[str, str, bool]:
    """What can be said, what is left, and whether more has to come before anything of that can."""
    opening = OPENINGS.search(held)
    if opening is None:
        # The last letters may be the beginning of an opening.
        keep = 0 if ended else len(held) - len(held.rstrip("!/:.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        keep = min(keep, 12)
        return held[: len(held) - keep], held[len(held) - keep :], True
    if opening.start():
        return held[: opening.start()], held[opening.start() :], False
    closed = _closed(held, ended or len(held) > LONGEST)
    if closed is None:
        return "", held, True
    return _harmless(held[:closed], times), held[closed:], False


def _closed(held: str, ended: bool) -> int | None:
    """Where what opens at the beginning ends. None: that is not clear yet."""
    link, brackets, tag, address = (each.match(held) for each in (LINK, BRACKETS, TAG, ADDRESS))
    if link:
        return link.end()
    if brackets and (ended or (brackets.end() < len(held) and held[brackets.end()] not in "([")):
        return brackets.end()
    if tag:
        return tag.end()
    if address and (ended or address.end() < len(held)):
        return address.end()
    if not ended:
        return None
    return address.end() if address else len("![") if held[0] == "!" else 1


def _harmless(said: str, times: Collection[str]) -> str:
    found = LINK.match(said) or BRACKETS.match(said)
    if found is None:
        return ""
    if found[1] == CUT.strip(" []"):
        return CUT.strip()
    return _cited(found[1], times) if TIMES.fullmatch(found[1]) else _plain(found[1])


def _plain(said: str) -> str:
    """Of what stood in brackets: it may have been made to become something when they are gone."""
    return ADDRESS.sub("", re.sub(r"[<>\[\]]", "", TAG.sub("", said)))


def _cited(said: str, times: Collection[str]) -> str:
    there = {_seconds(time) for time in times}
    known = [time for time in TIME.findall(said) if _seconds(time) in there]
    return f"[{', '.join(known)}]" if known else ""


def _seconds(time: str) -> int:
    value = 0
    for number in time.split(":"):
        value = value * 60 + int(number)
    return value
