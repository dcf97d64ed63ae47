"""Find and replace, in one turn or all: one step of the history, however many turns it touches."""

import regex

from accounts.models import User
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.models import Transcript
from transcripts.services.editing.desk import Desk, change
from transcripts.services.editing.outcome import Outcome
from transcripts.services.editing.text import saying
from transcripts.services.editing.words import tidy

LONGEST = 500
"""Characters that are looked for, and that come instead."""


def replace(
    transcript: Transcript,
    actor: User,
    find: str,
    replacement: str,
    *,
    match_case: bool = False,
    whole_word: bool = False,
    turn: int | None = None,
    key: str = "",
) -> Outcome:
    """`replaced` of the outcome says how often. Where nothing is found nothing is changed."""
    pattern = pattern_of(find, match_case=match_case, whole_word=whole_word)
    if len(replacement) > LONGEST:
        raise ServiceError(ErrorCode.INVALID_REQUEST, f"The new text has at most {LONGEST} characters.")

    def make(desk: Desk) -> None:
        desk.replaced = 0
        texts = [(turn, desk.turn(turn).text)] if turn is not None else desk.texts()
        found = {each: pattern.subn(lambda _: replacement, text) for each, text in texts if pattern.search(text)}
        for state in desk.turns(found.keys()).values():
            text, count = found[state.key]
            desk.put(saying(state, text))
            desk.replaced += count

    return change(transcript, actor, "replace", key, make)


def pattern_of(find: str, *, match_case: bool, whole_word: bool) -> "regex.Pattern[str]":
    """Words end where Unicode says so (UAX 29); without `match_case`, ß is ss."""
    find = tidy(find)
    if not 1 <= len(find) <= LONGEST:
        raise ServiceError(ErrorCode.INVALID_REQUEST, f"Say what to find, in 1 to {LONGEST} characters.")
    flags = regex.WORD if match_case else regex.WORD | regex.IGNORECASE | regex.FULLCASE
    literal = regex.escape(find)
    return regex.compile(rf"\b{literal}\b" if whole_word else literal, flags)
