"""Second readers of the subtitle formats, written from the specifications, not from our writers."""

import html
import re
from dataclasses import dataclass, field


@dataclass
class Parsed:
    start: float
    end: float
    lines: list[str]
    voices: list[str] = field(default_factory=list)
    word_times: list[float] = field(default_factory=list)


def seconds(stamp: str) -> float:
    hours, minutes, rest = stamp.replace(",", ".").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def parse_srt(body: bytes) -> list[Parsed]:
    assert not body.startswith(b"\xef\xbb\xbf")
    text = body.decode("utf-8")
    assert "\n" not in text.replace("\r\n", "")
    result = []
    blocks = text.split("\r\n\r\n")
    assert blocks.pop() == ""
    for number, block in enumerate(blocks, start=1):
        first, times, *lines = block.split("\r\n")
        assert first == str(number)
        match = re.fullmatch(r"(\d\d:\d\d:\d\d,\d{3}) --> (\d\d:\d\d:\d\d,\d{3})", times)
        assert match
        assert lines
        assert all(line.strip() for line in lines)
        result.append(Parsed(seconds(match[1]), seconds(match[2]), lines))
    return result


def parse_vtt(body: bytes) -> list[Parsed]:
    header, *blocks = body.decode("utf-8").rstrip("\n").split("\n\n")
    assert header == "WEBVTT"
    return [_vtt_cue(block) for block in blocks if not block.startswith("NOTE")]


def _vtt_cue(block: str) -> Parsed:
    _, times, *lines = block.split("\n")
    match = re.fullmatch(r"(\d\d:\d\d:\d\d\.\d{3}) --> (\d\d:\d\d:\d\d\.\d{3})", times)
    assert match
    text = "\n".join(lines)
    assert "-->" not in text
    voices = [html.unescape(name) for name in re.findall(r"<v ([^>\n]+)>", text)]
    stamps = [seconds(stamp) for stamp in re.findall(r"<(\d\d:\d\d:\d\d\.\d{3})>", text)]
    plain = re.sub(r"<[^>]*>", "", text)
    assert "<" not in plain
    assert ">" not in plain
    return Parsed(seconds(match[1]), seconds(match[2]), html.unescape(plain).split("\n"), voices, stamps)
