"""Make static/samples: the recording that a visitor hears first, its transcript and the shape of its sound.

apt-get install flite ffmpeg; python -m tests.samples.make_sample
Two voices of flite (CMU, free licence) read a dialogue whose words PocketSphinx, the recogniser that needs no
download, gets right, so that the first transcript on any machine is a good one.
"""

import json
import re
import subprocess
import tempfile
import wave
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from engine.audio import Decoder
from engine.config import config_from_environment
from engine.local import LocalEngine
from engine.playback import make_playback
from engine.types import Options, Segment, Transcript, Word, to_dict

OUT = Path(__file__).parent.parent.parent / "static" / "samples"
RATE = 16_000
LEAD, PAUSE = 0.5, 1.8

DIALOGUE = (
    ("rms", "You have reached the public library."),
    ("slt", "Hello. I would like to bring my children to the library on Saturday."),
    ("rms", "There is a meeting for young people on Saturday at ten o'clock."),
    ("slt", "That is wonderful. Do we have to pay any money for that?"),
    ("rms", "It is free for everyone who lives in the city."),
    ("slt", "Thank you very much for your help. I will tell my husband about it this evening."),
    ("rms", "We look forward to seeing you on Saturday."),
)
WHO = [f"Speaker {1 + (voice == 'slt')}" for voice, text in DIALOGUE for _ in re.findall(r"[.?]", text)]


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        spoken = Path(directory) / "spoken.wav"
        _write(spoken, Path(directory))
        audio = OUT / "sample.mp3"
        encode = ["ffmpeg", "-y", "-loglevel", "error", "-i", str(spoken), "-map_metadata", "-1", "-b:a", "40k"]
        subprocess.run([*encode, "-fflags", "+bitexact", str(audio)], check=True)
        transcript = with_punctuation(heard(audio))
        (OUT / "sample.json").write_text(json.dumps(to_dict(transcript), indent=1) + "\n", encoding="utf-8")
        with closing(Decoder(config_from_environment())) as decoder:
            playback = make_playback(decoder, audio, Path(directory) / "playback.m4a")
        (OUT / "peaks.bin").write_bytes(playback.peaks)
    print(f"{audio}: {audio.stat().st_size} bytes, {transcript.duration:.1f} s, no word or speaker wrong")


def _write(path: Path, directory: Path) -> None:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(_silence(LEAD))
        for voice, text in DIALOGUE:
            line = directory / "line.wav"
            subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(line)], check=True)
            with wave.open(str(line), "rb") as file:
                out.writeframes(file.readframes(file.getnframes()))
            out.writeframes(_silence(PAUSE))


def _silence(seconds: float) -> bytes:
    return bytes(int(seconds * RATE) * 2)


def heard(audio: Path) -> Transcript:
    with closing(LocalEngine(config_from_environment())) as engine:
        return engine.transcribe(audio, Options(model="pocketsphinx-en-us", diarize=True), on_event=lambda event: None)


def plain(text: str) -> list[str]:
    return re.sub(r"[^a-z' ]", "", text.lower()).split()


def with_punctuation(transcript: Transcript) -> Transcript:
    """The dialogue as written, with the times of the words that were heard. Raises ValueError if one is wrong."""
    words = [word for segment in transcript.segments for word in segment.words]
    written = " ".join(text for _, text in DIALOGUE)
    if [word.text for word in words] != plain(written):
        raise ValueError(f"PocketSphinx hears something else: {' '.join(word.text for word in words)}")
    segments = tuple(_segments(written, words, transcript.segments))
    if [segment.speaker for segment in segments] != WHO:
        raise ValueError(f"Another speaker is found: {[segment.speaker for segment in segments]}")
    return replace(
        transcript, text=written, language="en", language_probability=1.0, segments=segments, model="", warnings=()
    )


def _segments(written: str, heard_words: Iterable[Word], found: Iterable[Segment]) -> Iterator[Segment]:
    """One a sentence, with the speaker of the word it begins with."""
    speakers = {word.start: segment.speaker for segment in found for word in segment.words}
    times = iter(heard_words)
    for sentence in re.findall(r"[^.?]+[.?]", written):
        words = tuple(replace(next(times), text=token) for token in sentence.split())
        speaker = speakers[words[0].start]
        yield Segment(words[0].start, words[-1].end, sentence.strip(), words, speaker, language="en")


if __name__ == "__main__":
    main()
