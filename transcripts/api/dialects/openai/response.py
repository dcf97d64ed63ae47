"""A Transcript in the shapes of OpenAI's answers and of its events."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.types import Segment, Transcript
from transcripts.api.dialects.openai.request import OpenAIOrder
from transcripts.api.labels import letters, spelled
from transcripts.exports.base import ExportOptions, Meta
from transcripts.exports.registry import render

AUDIO_TOKENS_PER_SECOND = 10
"""Proposed: the vendor publishes no rate."""
FRAMES_PER_SECOND = 100
NOBODY = "unknown"
"""The speaker where none could be told; the clients want a string."""

Body = dict[str, Any]


def as_json(result: Transcript, order: OpenAIOrder) -> Body:
    if order.task == "translate":
        return {"text": result.text}
    body: Body = {"text": result.text}
    if order.logprobs:
        body["logprobs"] = logprobs(result.segments)
    return {**body, **_languages(result, order), "usage": usage(result, order)}


def as_verbose_json(result: Transcript, order: OpenAIOrder, languages: Mapping[str, str]) -> Body:
    """`languages`: code to lower-case English name."""
    translates = order.task == "translate"
    body: Body = {
        "task": order.task,
        "language": "english" if translates else languages.get(result.language or "", ""),
        "duration": round(result.duration, 3),
        "text": result.text,
    }
    if order.segments:
        body["segments"] = _segments(result)
    if order.words:
        body["words"] = list(_words(result.segments))
    if not translates:
        body["usage"] = _seconds(result)
    return body


def as_diarized_json(result: Transcript, order: OpenAIOrder) -> Body:
    return {
        "task": "transcribe",
        "duration": round(result.duration, 3),
        "text": result.text,
        "segments": list(speaker_segments(result)),
        "usage": usage(result, order),
    }


def as_text(result: Transcript, order: OpenAIOrder, meta: Meta) -> bytes:
    if order.format == "text":
        return f"{result.text}\n".encode()
    options = ExportOptions(disclosure=False, speakers=False)
    # A file for a player has its line ends; an answer to a program has plain ones.
    return render(order.format, result, meta, options).body.decode("utf-8-sig").replace("\r\n", "\n").encode()


def speaker_segments(result: Transcript) -> Iterator[Body]:
    names = spelled(result.speakers, letters)
    for number, segment in enumerate(result.segments):
        yield {
            "type": "transcript.text.segment",
            "id": f"seg_{number}",
            "start": round(segment.start, 3),
            "end": round(segment.end, 3),
            "text": segment.text.strip(),
            "speaker": names.get(segment.speaker or "", NOBODY),
        }


def logprobs(segments: Iterable[Segment], *, begins: bool = True) -> list[Body]:
    """One entry a word with the space before it: what the engine says of a word is the mean over its tokens. Not
    `begins`: there is text before these segments."""
    entries: list[Body] = []
    for segment in segments:
        at = 0
        for word in segment.words:
            end = max(segment.text.find(word.text, at), at) + len(word.text)
            # Whatever stands before a word in the text belongs to it, so that the tokens join to the text.
            token = (" " if not at and (entries or not begins) else "") + segment.text[at:end]
            at = end
            logprob = round(math.log(min(max(word.probability, 1e-6), 1.0)), 4)
            entries.append({"token": token, "bytes": list(token.encode()), "logprob": logprob})
    return entries


def usage(result: Transcript, order: OpenAIOrder) -> Body:
    return token_usage(result, order) if order.bills_tokens else _seconds(result)


def token_usage(result: Transcript, order: OpenAIOrder) -> Body:
    """Words stand for tokens where the recogniser has none."""
    audio, prompt = math.ceil(AUDIO_TOKENS_PER_SECOND * result.duration), len(order.prompt.split())
    output = sum(len(segment.tokens) or len(segment.words) for segment in result.segments)
    return {
        "type": "tokens",
        "input_tokens": audio + prompt,
        "output_tokens": output,
        "total_tokens": audio + prompt + output,
        "input_token_details": {"audio_tokens": audio, "text_tokens": prompt},
    }


def done(result: Transcript, order: OpenAIOrder) -> Body:
    """The last event of a stream. The clients know token counts only in it, whatever the model."""
    event: Body = {"type": "transcript.text.done", "text": result.text}
    if order.logprobs:
        event["logprobs"] = logprobs(result.segments)
    return {**event, **_languages(result, order), "usage": token_usage(result, order)}


def _seconds(result: Transcript) -> Body:
    return {"type": "duration", "seconds": math.ceil(result.duration)}


def _languages(result: Transcript, order: OpenAIOrder) -> Body:
    if not order.model.startswith("gpt-transcribe"):
        return {}
    return {"languages": [{"code": result.language}] if result.language else []}


def _segments(result: Transcript) -> list[Body]:
    """`seek` is the frame at which what was decoded together with the segment begins."""
    seeks: dict[int, int] = {}
    for segment in result.segments:
        seeks.setdefault(segment.chunk, int(segment.start * FRAMES_PER_SECOND))
    return [_segment(number, each, seeks[each.chunk]) for number, each in enumerate(result.segments)]


def _segment(number: int, segment: Segment, seek: int) -> Body:
    return {
        "id": number,
        "seek": seek,
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": f" {segment.text}",
        "tokens": list(segment.tokens),
        "temperature": segment.temperature,
        "avg_logprob": segment.avg_logprob,
        "compression_ratio": segment.compression_ratio,
        "no_speech_prob": segment.no_speech_prob,
    }


def _words(segments: Iterable[Segment]) -> Iterator[Body]:
    for segment in segments:
        for word in segment.words:
            if text := _bare(word.text):
                yield {"word": text, "start": round(word.start, 3), "end": round(word.end, 3)}


def _bare(word: str) -> str:
    """Without the punctuation around it."""
    kept = [at for at, char in enumerate(word) if char.isalnum()]
    return word[kept[0] : kept[-1] + 1] if kept else ""
