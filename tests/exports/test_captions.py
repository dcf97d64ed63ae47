import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.types import Segment, Transcript, Word
from tests.exports.spoken import DIALOGUES, Said, dialogue, spoken
from transcripts.exports.caption_layout import PROFILES, ProfileName, line_width
from transcripts.exports.captions import Cue, cues, report
from transcripts.exports.languages import width

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@st.composite
def word_streams(draw: st.DrawFn) -> Transcript:
    """1 to 300 words a minute, words of 1 to 40 letters, up to 20 voices, times of no length and overlapping."""
    rate = draw(st.integers(1, 300))
    voices = draw(st.integers(0, 20))
    segments, at = [], draw(st.floats(0, 5))
    for _ in range(draw(st.integers(0, 12))):
        words = []
        for _ in range(draw(st.integers(1, 25))):
            text = draw(st.text(LETTERS, min_size=1, max_size=40)) + draw(st.sampled_from(["", "", "", ".", ","]))
            length = draw(st.sampled_from([0.0, 0.3, 1.0, 1.0, 1.0, 2.5])) * 60 / rate
            words.append(Word(text, at, at + length, 0.5))
            at += length * draw(st.sampled_from([0.0, 0.5, 1.0, 1.0, 1.2]))
        speaker = f"Speaker {draw(st.integers(1, voices))}" if voices else None
        text = " ".join(word.text for word in words)
        segments.append(Segment(words[0].start, words[-1].end, text, tuple(words), speaker))
    return Transcript("", "en", 1.0, at + 1, tuple(segments), "m")


@pytest.mark.parametrize("profile", ["standard", "bbc"])
@pytest.mark.parametrize("labels", [False, True])
@settings(max_examples=25)
@given(transcript=word_streams())
def test_every_stream_becomes_sound_captions(profile: ProfileName, labels: bool, transcript: Transcript) -> None:
    captions = cues(transcript, profile, labels=labels)
    spoken_words = [word.text for segment in transcript.segments for word in segment.words]
    assert [unit.text for cue in captions for unit in cue.units if not unit.label] == spoken_words
    for cue in captions:
        assert 0 < cue.end - cue.start <= 7000
        assert len(cue.lines) <= 2
        for line in cue.lines:
            assert fits(cue, line.text, profile) or len(line.units) == 1
            assert len({unit.speaker for unit in line.units}) == 1
    for cue, following in itertools.pairwise(captions):
        assert cue.end <= following.start


def fits(cue: Cue, text: str, profile: ProfileName) -> bool:
    language = cue.units[0].language
    return width(text, language) <= line_width(PROFILES[profile], language)


@pytest.mark.parametrize("language", DIALOGUES)
@pytest.mark.parametrize("profile", ["standard", "bbc"])
def test_no_letter_is_lost_in_any_script(language: str, profile: ProfileName) -> None:
    captions = cues(dialogue(language), profile)
    shown = "".join(line.text.removeprefix("-") if line.dash else line.text for cue in captions for line in cue.lines)
    said = "".join(sentence for _, sentence in DIALOGUES[language])
    assert shown.replace(" ", "") == said.replace(" ", "")
    assert all(fits(cue, line.text, profile) or len(line.units) == 1 for cue in captions for line in cue.lines)


@pytest.mark.parametrize("language", ["ja", "zh"])
def test_no_line_begins_with_a_closing_mark(language: str) -> None:
    lines = [line.text for cue in cues(dialogue(language)) for line in cue.lines]
    assert not [line for line in lines if line[0] in "。、，？！」"]
    assert not [line for line in lines if line[-1] in "「（"]


def test_a_foreign_name_is_not_cut_in_text_without_spaces() -> None:
    lines = [line.text for cue in cues(dialogue("zh")) for line in cue.lines]
    assert any("Porto" in line for line in lines)


def test_a_caption_begins_with_its_first_word_and_stays_for_the_reader() -> None:
    [caption] = cues(spoken([(None, "Good morning everybody.")], "en", letter=0.05))
    assert caption.start == 500
    assert caption.end == 500 + 23 * 1000 // 20  # twenty characters a second


def test_a_caption_leaves_half_a_second_after_its_last_word() -> None:
    [caption] = cues(spoken([(None, "Good morning everybody.")], "en", letter=0.02))
    assert caption.end == 500 + 21 * 20 + 500


def test_a_short_word_stays_five_sixths_of_a_second() -> None:
    [caption] = cues(spoken([(None, "No.")], "en", letter=0.02))
    assert caption.end - caption.start == 833


def test_a_change_of_voice_begins_a_new_caption() -> None:
    said: list[Said] = [("A", "We have to leave before it gets dark."), ("B", "Then let us leave right now, please.")]
    captions = cues(spoken(said, "en"))
    assert [caption.text for caption in captions] == [sentence for _, sentence in said]


def test_two_answers_too_short_to_read_share_a_caption_with_dashes() -> None:
    captions = cues(spoken([("A", "Ready?"), ("B", "Yes.")], "en", letter=0.05, pause=0.1))
    assert [caption.text for caption in captions] == ["-Ready?\n-Yes."]
    assert [line.speaker for line in captions[0].lines] == ["A", "B"]


def test_a_long_pause_parts_a_sentence() -> None:
    words = (Word("Wait", 0.0, 0.5, 1), Word("here", 0.5, 1.0, 1), Word("please.", 2.2, 2.8, 1))
    transcript = Transcript("", "en", 1.0, 5.0, (Segment(0.0, 2.8, "Wait here please.", words),), "m")
    assert [caption.text for caption in cues(transcript)] == ["Wait here", "please."]


def test_numbers_keep_their_unit_and_people_their_names() -> None:
    text = "\n".join(caption.text for caption in cues(dialogue("en")))
    assert "42 km" in text
    assert "Maria Fernandes" in text


def test_a_name_goes_before_the_first_words_only_when_the_voice_changes() -> None:
    captions = cues(dialogue("de"), labels=True)
    text = " ".join(caption.text.replace("\n", " ") for caption in captions)
    assert text.count("Sprecher 1:") == 2
    assert text.count("Sprecher 2:") == 2


def test_a_name_longer_than_half_a_line_is_shortened() -> None:
    name = "Her Excellency the Ambassador Extraordinary and Plenipotentiary"
    [caption] = cues(spoken([(name, "Good morning.")], "en"), labels=True)
    assert caption.text == "Her Excellency the…: Good morning."


def test_segments_without_words_are_spread_over_their_time() -> None:
    segment = Segment(10.0, 22.0, "one two three four " * 12)
    captions = cues(Transcript("", "en", 1.0, 30.0, (segment,), "m"))
    assert captions[0].start == 10_000
    assert 21_500 <= captions[-1].end <= 22_500
    assert len(captions) > 2


def test_edited_words_stay_inside_the_bounds_of_what_they_replace() -> None:
    words = tuple(Word(text, float(i), i + 0.5, 1) for i, text in enumerate(["we", "meat", "at", "noon"]))
    segment = Segment(0.0, 3.5, "we will meet at noon", words)
    units = [unit for cue in cues(Transcript("", "en", 1.0, 9.0, (segment,), "m")) for unit in cue.units]
    times = {unit.text: (unit.start, unit.end) for unit in units}
    assert times["at"] == (2000, 2500)
    assert times["noon"] == (3000, 3500)
    assert 1000 <= times["will"][0] <= times["meet"][1] <= 1500


def test_times_behind_the_end_of_the_media_are_clamped() -> None:
    segment = Segment(1.0, 99.0, "late words", (Word("late", 1.0, 2.0, 1), Word("words", 90.0, 99.0, 1)))
    captions = cues(Transcript("", "en", 1.0, 3.0, (segment,), "m"))
    assert captions[-1].units[-1].end == 3000


def test_the_report_names_what_reads_too_fast() -> None:
    captions = cues(
        spoken([("A", "This is said much faster than anybody can read it."), ("B", "Slow.")], "en", letter=0.02)
    )
    assert report(captions).fast == (1,)


def test_the_report_names_what_ends_on_a_weak_word() -> None:
    words = (Word("It", 0.0, 0.4, 1), Word("is", 0.4, 0.9, 1), Word("the", 0.9, 1.4, 1), Word("end.", 4.0, 5.0, 1))
    captions = cues(Transcript("", "en", 1.0, 6.0, (Segment(0.0, 5.0, "It is the end.", words),), "m"))
    assert report(captions).weak == (1,)


def test_the_bbc_profile_has_narrower_lines_and_no_gaps_below_a_second() -> None:
    captions = cues(dialogue("en"), "bbc")
    assert max(len(line.text) for caption in captions for line in caption.lines) <= 37
    gaps = [following.start - caption.end for caption, following in itertools.pairwise(captions)]
    assert all(gap == 0 or gap >= 1000 for gap in gaps)


def test_silence_has_no_captions() -> None:
    assert cues(Transcript("", None, 0.0, 5.0, (), "m")) == []
