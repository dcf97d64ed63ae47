"""The captions of a transcript: what they look like, and that a new time reaches every file."""

import itertools
import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from tests.web import rows
from transcripts.models import JobState, Transcript
from transcripts.web.subtitles import milliseconds, timecode

RUSH = "Everybody understands immediately whatever complicated professional presentations demonstrate"
TALK = (
    rows.spoken("Good morning all.", 1.0, language="en"),
    rows.spoken("The brief is a remote that people do not lose.", 5.0, language="en"),
    rows.spoken(RUSH, 12.0, per_word=0.3, language="en"),
    rows.spoken("Yes.", 30.0, per_word=0.2, language="en"),
)


@pytest.fixture
def made(alice: User) -> Transcript:
    return rows.transcript(alice, segments=TALK)


def shown(page: Client, made: Transcript, query: str = "") -> list[dict[str, Any]]:
    text = page.get(f"/transcripts/{made.slug}/subtitles/{query}").content.decode()
    found = []
    for number, start, end, body in re.findall(
        r'<li class="cue" id="c(\d+)" data-start="([\d.]+)" data-end="([\d.]+)">(.*?)</li>', text, re.DOTALL
    ):
        lines = re.findall(r'cue__text"[^>]*>(.*?)</p>', body, re.DOTALL)[0]
        badges = re.sub(r"<[^>]+>", " ", re.findall(r'cue__badges">(.*?)</p>', body, re.DOTALL)[0]).split("  ")
        found.append(
            {
                "number": int(number),
                "start": float(start),
                "end": float(end),
                "text": " ".join(re.findall(r"<span>(.*?)</span>", lines)),
                "badges": [badge.strip() for badge in badges if badge.strip()],
            }
        )
    return found


def retime(page: Client, made: Transcript, number: int, start: str, end: str, **more: Any) -> Any:
    address = f"/transcripts/{made.slug}/subtitles/{number}/"
    spans = re.findall(r'name="span" value="([^"]+)"', page.get(address).content.decode())
    return page.post(address, {"start": start, "end": end, "span": spans}, **more)


def test_captions_say_how_they_read(page: Client, made: Transcript) -> None:
    cues = shown(page, made)
    assert " ".join(cue["text"] for cue in cues) == " ".join(segment.text for segment in TALK)
    assert cues[0] | {"badges": []} == {
        "number": 1, "start": 1.0, "end": 2.2, "text": "Good morning all.", "badges": []
    }  # fmt: skip
    assert cues[0]["badges"] == ["1.2 s", "14 cps", "17/42"]
    fast = [cue for cue in cues if any("fast" in badge for badge in cue["badges"])]
    assert fast
    assert shown(page, made, "?show=fast") == fast
    head = page.get(f"/transcripts/{made.slug}/subtitles/").content.decode()
    assert f"{len(fast)} read faster than 20 characters a second" in head
    words = shown(page, made, "?profile=bbc")
    assert any("wpm" in badge for badge in words[0]["badges"])
    assert all("/37" in cue["badges"][2] for cue in words)


def test_new_times_of_a_caption_are_in_every_file_and_move_nothing_else(page: Client, made: Transcript) -> None:
    before = shown(page, made)
    base = f"/transcripts/{made.slug}/export"
    files = {name: page.get(f"{base}/{name}/").content for name in ("srt", "vtt", "json", "csv", "txt", "md")}
    answer = retime(page, made, 1, "0:01.250", "0:03.400")
    assert answer["Location"] == "../?profile=standard#c1"
    after = shown(page, made)
    assert (after[0]["start"], after[0]["end"]) == (1.25, 3.4)
    assert after[1:] == before[1:]
    for name, told in {
        "srt": "00:00:01,250 --> 00:00:03,400",
        "vtt": "00:00:01.250 --> 00:00:03.400",
        "json": '"start": 1.25,',
        "csv": "0,1.250,3.400,",
    }.items():
        file = page.get(f"/transcripts/{made.slug}/export/{name}/").content
        assert told in file.decode("utf-8-sig"), name
        assert told not in files[name].decode("utf-8-sig")
    for name in ("txt", "md", "docx", "pdf"):
        assert page.get(f"/transcripts/{made.slug}/export/{name}/").status_code == 200
    page.post(f"/transcripts/{made.slug}/subtitles/undo/")
    assert shown(page, made) == before
    for name, file in files.items():
        assert page.get(f"/transcripts/{made.slug}/export/{name}/").content == file


def test_the_minutes_of_a_text_follow_a_caption_that_moved(page: Client, made: Transcript) -> None:
    number = len(shown(page, made))
    retime(page, made, number, "0:34.000", "0:35.000")
    for name in ("txt", "md"):
        assert "0:34" in page.get(f"/transcripts/{made.slug}/export/{name}/").content.decode()


@pytest.mark.parametrize("end", ["0:02.300", "0:02.900", "0:03.000", "0:04.400"])
def test_a_caption_goes_when_it_was_told_to(page: Client, made: Transcript, end: str) -> None:
    retime(page, made, 1, "0:01.000", end)
    assert timecode(round(shown(page, made)[0]["end"] * 1000)) == end


@pytest.mark.parametrize(
    ("number", "start", "end", "sentence"),
    [
        (1, "0:01.000", "0:05.500", "That would overlap another caption"),
        (2, "0:01.500", "0:08.000", "That would overlap another caption"),
        (1, "0:03.000", "0:02.000", "A caption goes after it has come."),
        (1, "soon", "0:02.000", "“soon” is no time."),
        (1, "0:01.000", "0:01.020", "stands for at least 0.1 s"),
    ],
)
def test_times_that_cannot_be_change_nothing(
    page: Client, made: Transcript, number: int, start: str, end: str, sentence: str
) -> None:
    before = shown(page, made)
    answer = retime(page, made, number, start, end)
    assert answer.status_code in (400, 409)
    assert sentence in answer.content.decode()
    assert f'value="{start}"' in answer.content.decode()
    assert shown(page, made) == before


def test_captions_never_overlap_whatever_is_asked(page: Client, made: Transcript) -> None:
    wishes = itertools.product(range(1, 6), (0.0, 0.9, 2.0, 4.7, 11.0), (0.2, 1.0, 3.0, 8.0))
    for number, start, length in wishes:
        retime(page, made, number, timecode(round(start * 1000)), timecode(round((start + length) * 1000)))
    cues = shown(page, made)
    assert " ".join(cue["text"] for cue in cues) == " ".join(segment.text for segment in TALK)
    for cue, behind in itertools.pairwise(cues):
        assert cue["start"] < cue["end"] <= behind["start"]


def test_two_who_change_one_caption_do_not_overwrite_each_other(page: Client, made: Transcript) -> None:
    address = f"/transcripts/{made.slug}/subtitles/1/"
    spans = re.findall(r'name="span" value="([^"]+)"', page.get(address).content.decode())
    assert page.post(address, {"start": "0:01.100", "end": "0:03.000", "span": spans}).status_code == 302
    late = page.post(address, {"start": "0:00.500", "end": "0:03.000", "span": spans})
    assert late.status_code == 409
    assert "changed elsewhere in the meantime" in late.content.decode()
    assert shown(page, made)[0]["start"] == 1.1


def test_a_script_is_told_which_rows_are_new(page: Client, made: Transcript) -> None:
    told = retime(page, made, 1, "0:01.100", "0:03.000", headers={"accept": "application/json"}).json()["rows"]
    assert list(told) == ["1"]
    assert 'data-start="1.100"' in told["1"]


def test_the_dialog_of_exports_leads_to_captions_that_are_fast(page: Client, made: Transcript) -> None:
    base = f"/transcripts/{made.slug}"
    fast = len(shown(page, made, "?show=fast"))
    told = page.get(f"{base}/export/pace/").content.decode()
    assert f'href="{base}/subtitles/?profile=standard&amp;show=fast">{fast} read faster than 20 characters' in told
    assert "All can be read in time." in page.get(f"{base}/export/pace/?profile=bbc").content.decode()
    assert f'href="{base}/subtitles/">Look at the captions' in page.get(f"{base}/export/").content.decode()


def test_only_a_caption_that_is_there(page: Client, stranger: Client, made: Transcript, alice: User) -> None:
    for number in (0, 99):
        assert page.get(f"/transcripts/{made.slug}/subtitles/{number}/").status_code == 404
    assert stranger.get(f"/transcripts/{made.slug}/subtitles/1/").status_code == 404
    running = rows.transcript(alice, state=JobState.RUNNING)
    assert page.get(f"/transcripts/{running.slug}/subtitles/").status_code == 409


@pytest.mark.parametrize(
    ("text", "ms"), [("0:01", 1000), ("1:02:03.4", 3_723_400), ("0:59,999", 59_999), (" 12:05.05 ", 725_050)]
)
def test_a_time_is_read_as_people_write_it(text: str, ms: int) -> None:
    assert milliseconds(text) == ms
