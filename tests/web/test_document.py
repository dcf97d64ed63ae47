import json

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from engine.types import Chunk
from tests.web import rows
from transcripts import engine_gateway
from transcripts.models import JobState, Media, Transcript

EMBEDDED = {"code": "embedded_model", "message": "The packaged recogniser answered."}
PLAIN = {"code": "speaker_labels_unavailable", "message": "No speaker labels."}


def test_each_turn_is_one_text_node_that_a_word_can_be_found_in(page: Client, alice: User) -> None:
    made = rows.transcript(alice)
    text = page.get(f"/transcripts/{made.slug}/").content.decode()
    first = "Good morning all. The brief is a remote that people do not lose."
    assert f'<p class="turn__text" dir="auto" data-line="0" lang="en">{first}</p>' in text
    assert 'data-line="1" lang="en">Twelve fifty a unit, which is tight.</p>' in text
    assert 'id="turn-0" data-turn="0" data-rev="0"' in text


def test_a_shared_result_has_a_node_for_each_segment(client: Client, db: None) -> None:
    text = client.get(f"/t/{rows.transcript(None).view_token}/").content.decode()
    assert '<span data-line="0">Good morning all.</span>' in text
    assert "data-turn" not in text


def test_words_are_packed_and_unpack_to_their_times(page: Client, alice: User) -> None:
    made = rows.transcript(alice)
    packed = page.get(f"/transcripts/{made.slug}/words/").json()
    assert packed["duration"] == (made.duration_ms or 0) / 1000
    turns = [rows.TALK[:2], rows.TALK[2:]]
    time = 0
    for segments, row in zip(turns, packed["segments"], strict=True):
        text, place = " ".join(segment.text for segment in segments), 0
        words = [word for segment in segments for word in segment.words]
        for word, at in zip(words, range(0, len(row), 4), strict=True):
            start, length, gap, letters = row[at : at + 4]
            time, place = time + start, place + gap
            assert text[place : place + letters] == word.text
            assert (time / 100, (time + length) / 100) == pytest.approx((word.start, word.end))
            place += letters


def test_the_words_of_a_running_job_are_not_there_yet(page: Client, alice: User) -> None:
    made = rows.transcript(alice, state=JobState.RUNNING)
    answer = page.get(f"/transcripts/{made.slug}/words/", headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_ready")


def test_text_comes_while_the_job_runs_and_each_piece_once(page: Client, alice: User) -> None:
    chunks = [Chunk(i, i * 10.0, i * 10 + 10.0, (rows.TALK[i],), (), "en", 1.0) for i in range(3)]
    made = rows.transcript(alice, state=JobState.RUNNING, chunks=chunks)
    first = page.get(f"/transcripts/{made.slug}/progress/").json()
    assert (first["state"], first["after"], first["segments"]) == ("processing", 3, 3)
    assert first["turns"].count("data-line=") == 3
    rest = page.get(f"/transcripts/{made.slug}/progress/?after=2&segments=2").json()
    assert '<span data-line="2">Twelve fifty' in rest["turns"]
    assert "Good morning" not in rest["turns"]
    for odd in ("x", "-1", "9" * 5000):
        assert page.get(f"/transcripts/{made.slug}/progress/?after={odd}&segments={odd}").json()["after"] == 3


def test_the_reader_is_told_what_the_recogniser_could_not_do(page: Client, alice: User) -> None:
    better = page.get(f"/transcripts/{rows.transcript(alice).slug}/").content.decode()
    worse = page.get(f"/transcripts/{rows.transcript(alice, warnings=[EMBEDDED, PLAIN]).slug}/").content.decode()
    assert "A small recogniser wrote this." in worse
    assert "Ready, no speaker labels" in worse
    assert "A small recogniser" not in better
    assert "no speaker labels" not in better


def test_doubtful_places_are_marked_and_listed(page: Client, alice: User) -> None:
    suspects = [{"start": 2.0, "end": 6.5, "reason": "low"}, {"start": 7.2, "end": 8.6, "reason": "no words"}]
    made = rows.transcript(alice, suspects=suspects)
    text = page.get(f"/transcripts/{made.slug}/").content.decode()
    assert "Speech here, 1 s, that could not be written down." in text
    assert text.count("data-seek=") == 2
    words = page.get(f"/transcripts/{made.slug}/words/").json()
    assert words["suspects"] == [[2.0, 6.5], [7.2, 8.6]]
    assert words["doubtful"] == list(range(3, 13))


def test_speakers_are_named_and_coloured_in_the_order_they_speak(page: Client, alice: User) -> None:
    talk = [rows.spoken("Hello there.", 0, speaker="Speaker 1"), rows.spoken("Hello back.", 2, speaker="Speaker 2")]
    text = page.get(f"/transcripts/{rows.transcript(alice, segments=talk).slug}/").content.decode()
    assert text.index('data-spk="1"') < text.index('data-spk="2"')
    assert '<bdi>Speaker 2</bdi></button><a class="stamp" href="#t=2">0:02</a>' in text


def test_text_cannot_write_html_and_goes_its_own_direction(page: Client, alice: User) -> None:
    talk = [rows.spoken("<img src=x> نعم", 0, language="ar")]
    made = rows.transcript(alice, segments=talk, title="<i>x</i>", language="ar")
    text = page.get(f"/transcripts/{made.slug}/").content.decode()
    assert "&lt;img src=x&gt; نعم" in text
    assert "<i>x</i>" not in text
    assert '<p class="turn__text" dir="auto" data-line="0" lang="ar">' in text


@pytest.mark.parametrize("name", ["txt", "md", "srt", "vtt", "json", "csv", "docx", "pdf"])
def test_every_format_is_a_download(page: Client, alice: User, name: str) -> None:
    made = rows.transcript(alice)
    answer = page.get(f"/transcripts/{made.slug}/export/{name}/")
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == f'attachment; filename="{made.slug}.{name}"'
    if name not in ("docx", "pdf"):
        assert "Good morning all." in answer.content.decode("utf-8-sig")


def test_the_options_of_the_dialog_reach_the_file(page: Client, alice: User) -> None:
    made = rows.transcript(alice)
    address = f"/transcripts/{made.slug}/export/file/?format=txt&chosen=1"
    assert "AI-generated" not in page.get(address).content.decode()
    assert "AI-generated" in page.get(f"{address}&disclosure=on").content.decode()
    assert "[0:00]" in page.get(f"{address}&timestamps=on").content.decode()
    assert "[0:00]" not in page.get(address).content.decode()


def test_the_preview_is_the_first_lines_of_the_file(page: Client, alice: User) -> None:
    made = rows.transcript(alice)
    whole = page.get(f"/transcripts/{made.slug}/export/srt/").content.decode()
    preview = page.get(f"/transcripts/{made.slug}/export/file/?format=srt&preview=1")
    assert preview["Content-Type"].startswith("text/plain")
    assert whole.splitlines()[: len(preview.content.decode().splitlines())] == preview.content.decode().splitlines()


def test_a_format_that_is_none_is_404(page: Client, alice: User) -> None:
    assert page.get(f"/transcripts/{rows.transcript(alice).slug}/export/exe/").status_code == 404


def test_rename(page: Client, alice: User) -> None:
    made = rows.transcript(alice)
    answer = page.post(f"/transcripts/{made.slug}/rename/", {"title": " Kick-off "})
    assert answer["Location"] == f"/transcripts/{made.slug}/"
    made.refresh_from_db()
    assert made.title == "Kick-off"
    refused = page.post(f"/transcripts/{made.slug}/rename/", {"title": " "})
    assert refused.status_code == 400
    assert 'aria-invalid="true"' in refused.content.decode()


def test_delete_asks_first(page: Client, alice: User) -> None:
    made = rows.transcript(alice)
    assert "Move to trash" in page.get(f"/transcripts/{made.slug}/delete/").content.decode()
    assert Transcript.objects.filter(pk=made.pk).exists()
    answer = page.post(f"/transcripts/{made.slug}/delete/", follow=True)
    assert "is in the trash" in answer.content.decode()
    made.refresh_from_db()
    assert made.trashed_at is not None
    assert page.get(f"/transcripts/{made.slug}/").status_code == 404


def test_cancel(page: Client, alice: User) -> None:
    made = rows.transcript(alice, state=JobState.QUEUED)
    assert page.post(f"/transcripts/{made.slug}/cancel/")["Location"] == "../"
    assert "Cancelled." in page.get(f"/transcripts/{made.slug}/").content.decode()


def test_the_text_and_times_of_the_sample_belong_together(client: Client, db: None) -> None:
    packed = json.loads(client.get("/sample/words/").content)
    text = client.get("/").content.decode()
    assert text.count("data-line=") == len(packed["segments"])
    assert sum(sum(row[::4]) for row in packed["segments"]) / 100 < packed["duration"]


def test_labels_that_failed_can_be_tried_again(page: Client, alice: User) -> None:
    failed = {"code": "speaker_labels_failed", "message": "The speakers could not be told apart."}
    made = rows.transcript(alice, warnings=[failed])
    read = page.get(f"/transcripts/{made.slug}/").content.decode()
    assert "Try speaker labels again" in read
    assert failed["message"] in read
    Transcript.objects.filter(pk=made.pk).update(labels_wanted={"attempts": 0})
    assert "The voices are being told apart" in page.get(f"/transcripts/{made.slug}/").content.decode()


def test_the_page_asks_for_speakers_as_it_is_told(page: Client, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_gateway, "check_speakers", lambda: None)
    made = rows.transcript(alice)
    page.post(f"/transcripts/{made.slug}/speakers/", {"speakers": "3"})
    wanted = Transcript.objects.get(pk=made.pk).labels_wanted
    assert wanted == {"speakers": 3, "min_speakers": None, "max_speakers": None, "attempts": 0}


def test_transcribing_again_makes_a_version_and_is_refused_without_the_recording(page: Client, alice: User) -> None:
    made = rows.transcript(alice)
    form = page.get(f"/transcripts/{made.slug}/again/").content.decode()
    assert "The one you have stays" in form
    Media.objects.filter(pk=made.media_id).update(removed_at=timezone.now())
    refused = page.post(f"/transcripts/{made.slug}/again/", {"model": ""})
    assert refused.status_code == 409
    assert "no longer here" in refused.content.decode()
