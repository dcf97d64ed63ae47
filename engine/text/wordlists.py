"""The files of `engine/lexicon`: sections of words or patterns, one a line or between " | ".

`<NAME>` in a pattern stands for one of the lines of [NAME].
"""

from collections import defaultdict
from functools import cache
from pathlib import Path

import regex

FOLDER = Path(__file__).parent.parent / "lexicon"
MACRO = regex.compile(r"<([A-Z]{2,})>")
NO_CASE = regex.VERSION1 | regex.IGNORECASE
Pattern = regex.Pattern[str]


class WordLists:
    def __init__(self, file: Path) -> None:
        self._sections = _read(file)

    def words(self, section: str) -> list[str]:
        return " ".join(self._sections[section]).split()

    def any_of(self, section: str) -> str:
        """The source of a pattern that matches one of its lines."""
        return "(?:" + "|".join(map(self._expanded, self._sections[section])) + ")"

    def pattern(self, section: str, flags: int = NO_CASE) -> Pattern:
        return regex.compile(self.any_of(section), flags)

    def whole_words(self, section: str) -> Pattern:
        return regex.compile(rf"\b{self.any_of(section)}\b", NO_CASE)

    def _expanded(self, line: str) -> str:
        return MACRO.sub(lambda macro: self.any_of(macro[1]), line)


def _read(file: Path) -> dict[str, list[str]]:
    sections: defaultdict[str, list[str]] = defaultdict(list)
    name = ""
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and line.endswith("]") and line[1:-1].isidentifier():
            name = line[1:-1]
        elif line and not line.startswith("#"):
            sections[name] += (part.strip(" |") for part in line.split(" | ") if part.strip(" |"))
    return dict(sections)


@cache
def wordlists(name: str) -> WordLists:
    return WordLists(FOLDER / name)
