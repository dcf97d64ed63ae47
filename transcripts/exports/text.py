"""Small rules of text that every format shares."""

import math
import re
import unicodedata

# Not allowed in XML 1.0, and of no use in any of the other formats. What str.split() takes for a space stays.
_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_RTL = frozenset({"R", "AL"})


def clean(text: str) -> str:
    """One line of printable text: control characters dropped, every run of white space one space."""
    return " ".join(_UNPRINTABLE.sub("", text).split())


def is_rtl(text: str) -> bool:
    """By the first letter with a direction of its own, as `dir=auto` does."""
    for letter in text:
        direction = unicodedata.bidirectional(letter)
        if direction in _RTL:
            return True
        if direction == "L":
            return False
    return False


def to_ms(seconds: float) -> int:
    return max(0, round(seconds * 1000)) if math.isfinite(seconds) else 0


def clock(ms: int, separator: str = ".") -> str:
    """`HH:MM:SS.mmm`, the hours always there, as the subtitle formats want it."""
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{ms:03}"


def short_clock(seconds: float) -> str:
    """`0:12`, from one hour on `1:02:03`: for people."""
    minutes, second = divmod(to_ms(seconds) // 1000, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
