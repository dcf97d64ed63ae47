"""From the chunks of a run to its transcript."""

from collections.abc import Sequence

from engine.language import summed_up
from engine.quality import MISSED, coverage
from engine.snr import dropped_notice, snr_db, together
from engine.types import Chunk, Notice, Transcript
from engine.vad import total


def assemble(
    chunks: Sequence[Chunk],
    model: str,
    duration: float,
    warnings: Sequence[Notice] = (),
    *,
    min_snr_db: float | None = None,
) -> Transcript:
    """The whole from its chunks; a pure function of them."""
    segments = tuple(segment for chunk in chunks for segment in chunk.segments)
    speech = [span for chunk in chunks for span in chunk.speech]
    language, probability, detection = summed_up(chunks, segments)
    notices = list(warnings)
    dropped = None if min_snr_db is None else dropped_notice(chunks, min_snr_db)
    if dropped:
        notices.append(dropped)
    elif not segments:
        notices.append(_nothing_said(total(speech)))
    return Transcript(
        text=" ".join(segment.text for segment in segments),
        language=language,
        language_probability=probability,
        duration=duration,
        segments=segments,
        model=model,
        coverage=round(coverage(segments, speech), 4),
        suspect_spans=tuple(span for chunk in chunks for span in chunk.suspect),
        warnings=tuple(notices),
        snr_db=snr_db(together(chunk.levels for chunk in chunks)),
        detection=detection,
    )


def _nothing_said(speech_seconds: float) -> Notice:
    if speech_seconds < MISSED:
        return Notice("no_speech_detected", "No speech was found in this audio, so there is no text.")
    return Notice(
        "no_speech_detected",
        f"About {speech_seconds:.0f} s sound like speech, but no words could be made out, so there is no text.",
    )
