"""Whisper through faster-whisper and CTranslate2: the only module that calls them."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens

from engine import hardware
from engine.config import EngineConfig
from engine.errors import Cancelled
from engine.hints import hint_tokens
from engine.protocols import FULL_WINDOW, LanguageGuess, Request, Samples, Window
from engine.quality import LOOP_RATIO, compression_ratio
from engine.types import SAMPLE_RATE, Segment, Span, Task
from engine.vad import SpeechDetector
from engine.words import Heard, Scores, to_segments, whole_words

BEAM = 5
GPU_BATCH = 16
LANE_BATCH = 2
"""Windows of one run that a lane decodes for a chunk: each chunk is a write to the database."""
PAUSE = 1.0
MAX_TOKENS = 448
SHORT_WINDOWS = (512, 768, 1024, 1536, 2048)
MARGIN = 256
"""Frames of silence behind the speech of a short window: with none, models loop (docs/decisions/0017)."""
MUCH_SAID = 128
"""Tokens of a full window of fast talk."""
FULL_SECONDS = FULL_WINDOW // 100
NO_HINTS = Request("en", "transcribe", None, word_timestamps=True)
SPACELESS = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Languages whose text faster-whisper splits at every letter, for want of spaces."""


class WhisperRecognizer:
    """One loaded model. On a CPU a call decodes one window in a lane of few threads (engine/hardware.py says why);
    a GPU takes many at once."""

    def __init__(self, directory: Path, model_id: str, config: EngineConfig) -> None:
        self.model = model_id
        device = hardware.detect(config.device).device
        lanes = hardware.lanes(config)
        self._workers = lanes if device == "cpu" else 1
        self.call_windows = 1 if device == "cpu" else GPU_BATCH
        self.batch_windows = lanes * LANE_BATCH if device == "cpu" else GPU_BATCH
        self._whisper = WhisperModel(
            str(directory),
            device=device,
            compute_type=config.compute_type,
            cpu_threads=max(1, hardware.threads(config) // lanes),
            num_workers=self._workers,
        )
        known = self._whisper.hf_tokenizer
        self.languages = frozenset(
            code
            for code in self._whisper.supported_languages
            if code == "en" or known.token_to_id(f"<|{code}|>") is not None
        )
        self._encoded: tuple[Samples, ctranslate2.StorageView] | None = None
        """The window whose language was heard last: its encoding is wanted again for its text."""
        SpeechDetector()  # loaded with the model, so that the first run need not
        self._hints = lru_cache(maxsize=64)(self._hint_tokens)  # asked for with every window
        self._suppressed = get_suppressed_tokens(self._tokenizer(NO_HINTS), [-1])

    def rehearse(self) -> None:
        """Hears the longest window and writes as much as anybody says in it, with every worker at once, so that what
        work takes of memory is taken now: it neither grows for hours nor holds the first caller up."""
        noise = np.random.default_rng(0).normal(0.0, 0.1, FULL_SECONDS * SAMPLE_RATE).astype(np.float32)
        window = self.prepare(Window(noise, (Span(0.0, FULL_SECONDS),)))
        with ThreadPoolExecutor(self._workers) as workers:
            for done in [workers.submit(self._talk_on, window) for _ in range(self._workers)]:
                done.result()

    def _talk_on(self, window: Window) -> None:
        encoded = self._whisper.encode(np.stack([_features(window)]))
        tokenizer = self._tokenizer(NO_HINTS)
        endless = {"suppress_tokens": [*self._suppressed, tokenizer.eot], "max_length": 2 * MUCH_SAID}
        texts = self._generate(encoded, [self._prompt(tokenizer, NO_HINTS)], endless)
        self._segments([window], [NO_HINTS], texts, encoded)

    def prepare(self, window: Window) -> Window:
        """Log-mel features, padded as the model was trained: [mels, 3000]."""
        if window.features is not None:
            return window
        features = self._whisper.feature_extractor(window.samples)[..., :-1]
        return replace(window, features=pad_or_trim(features))

    def short(self, window: Window) -> Window:
        """Features [mels, frames] of one of a few lengths, so that windows of many streams can share a call."""
        features = self._whisper.feature_extractor(window.samples)[..., :-1]
        wanted = features.shape[-1] + MARGIN
        frames = next((length for length in SHORT_WINDOWS if length >= wanted), FULL_WINDOW)
        return replace(window, features=pad_or_trim(features, frames))

    def detect_language(self, windows: Sequence[Window]) -> LanguageGuess:
        """The mean over all windows, each heard on its own."""
        sums: dict[str, float] = {}
        for window in map(self.prepare, windows):
            encoded = self._encode([window])
            self._encoded = (_features(window), encoded)
            for token, probability in self._whisper.model.detect_language(encoded)[0]:
                sums[token[2:-2]] = sums.get(token[2:-2], 0.0) + float(probability) / len(windows)
        ranked = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
        language, probability = ranked[0]
        return LanguageGuess(language, round(probability, 4), tuple(ranked), calls=len(windows))

    def kind(self, request: Request) -> tuple[Task, int, int, bool]:
        """One task, prompts of one length (CTranslate2 wants every transcript to begin at the same place), features of
        one length, and one way to search."""
        return request.task, len(self._prompt(self._tokenizer(request), request)), request.frames, request.quick

    def recognize(
        self, windows: Sequence[Window], requests: Sequence[Request], cancelled: Callable[[], bool]
    ) -> list[tuple[Segment, ...]]:
        prompts = [self._prompt(self._tokenizer(request), request) for request in requests]
        _check(cancelled)
        encoded = self._encode(windows)
        _check(cancelled)
        texts = self._generate(encoded, prompts, _search(requests[0], len(prompts[0])))
        _check(cancelled)
        if requests[0].quick:
            return [
                self._as_text(window, request, found)
                for window, request, found in zip(windows, requests, texts, strict=True)
            ]
        return self._segments(windows, requests, texts, encoded)

    def recognize_again(self, window: Window, request: Request, cancelled: Callable[[], bool]) -> tuple[Segment, ...]:
        """With time stamps (which keep Whisper from skipping), then with repetition forbidden; the better is kept.

        Nothing is sampled: a run that is resumed has to find the same words.
        """
        tokenizer = self._tokenizer(request)
        encoded = self._encode([window])
        tries: list[tuple[bool, float, int, list[int], Scores]] = []
        prompt = self._prompt(tokenizer, request, time_stamps=True)
        for careful in ({}, {"repetition_penalty": 1.1, "no_repeat_ngram_size": 3}):
            _check(cancelled)
            (tokens, scores), *_ = self._generate(encoded, [prompt], careful)
            text = tokenizer.decode(tokens)
            loops = compression_ratio(text) > LOOP_RATIO
            tries.append((loops, -scores.avg_logprob, len(tries), tokens, scores))
            if not loops and scores.avg_logprob >= -1.0:
                break
        _, _, _, tokens, scores = min(tries)
        return self._segments([window], [request], [(tokens, scores)], encoded)[0]

    def _encode(self, windows: Sequence[Window]) -> ctranslate2.StorageView:
        features = [_features(self.prepare(window)) for window in windows]
        kept, self._encoded = self._encoded, None
        if kept is not None and len(features) == 1 and kept[0] is features[0]:
            return kept[1]
        return self._whisper.encode(np.stack(features))

    def _generate(
        self, encoded: ctranslate2.StorageView, prompts: list[list[int]], how: dict[str, Any]
    ) -> list[tuple[list[int], Scores]]:
        results = self._whisper.model.generate(
            encoded,
            prompts,
            return_scores=True,
            return_no_speech_prob=True,
            **{"beam_size": BEAM, "max_length": MAX_TOKENS, "suppress_tokens": self._suppressed, **how},
        )
        return [_scored(result) for result in results]

    def _as_text(self, window: Window, request: Request, found: tuple[list[int], Scores]) -> tuple[Segment, ...]:
        tokens, scores = found
        text = self._tokenizer(request).decode(tokens).strip()
        if not text:
            return ()
        start, end = window.spans[0].start, window.spans[-1].end
        return (
            Segment(
                start,
                end,
                text,
                language=request.language,
                avg_logprob=round(scores.avg_logprob, 4),
                no_speech_prob=round(scores.no_speech_prob, 4),
                compression_ratio=round(compression_ratio(text), 3),
            ),
        )

    def _segments(
        self,
        windows: Sequence[Window],
        requests: Sequence[Request],
        texts: Sequence[tuple[list[int], Scores]],
        encoded: ctranslate2.StorageView,
    ) -> list[tuple[Segment, ...]]:
        """Word times for all windows of one encoder output, then sentences."""
        words = self._aligned(windows, requests, [tokens for tokens, _ in texts], encoded)
        return [
            to_segments(window, spoken, scores, request.language or "en", pause=PAUSE)
            for window, request, spoken, (_, scores) in zip(windows, requests, words, texts, strict=True)
        ]

    def _aligned(
        self,
        windows: Sequence[Window],
        requests: Sequence[Request],
        texts: Sequence[list[int]],
        encoded: ctranslate2.StorageView,
    ) -> list[list[Heard]]:
        """One pass a language and task: the aligner takes one start of transcript for all windows of a call."""
        frames = [len(window.samples) // self._whisper.feature_extractor.hop_length for window in windows]
        words: list[list[Heard]] = [[] for _ in windows]
        for start in {(request.language, request.task): request for request in requests}.values():
            tokenizer = self._tokenizer(start)
            own = [(request.language, request.task) == (start.language, start.task) for request in requests]
            spoken = [
                [token for token in tokens if token < tokenizer.eot] if mine else []
                for tokens, mine in zip(texts, own, strict=True)
            ]
            for at, found in enumerate(self._whisper.find_alignment(tokenizer, spoken, encoded, frames)):
                if own[at]:
                    words[at] = whole_words(list(_heard(found)), spaced=start.language not in SPACELESS)
        return words

    def _tokenizer(self, request: Request) -> Tokenizer:
        multilingual = self._whisper.model.is_multilingual
        return Tokenizer(self._whisper.hf_tokenizer, multilingual, task=request.task, language=request.language)

    def _prompt(self, tokenizer: Tokenizer, request: Request, *, time_stamps: bool = False) -> list[int]:
        """At most half of what the decoder holds, so that the other half is left for the text."""
        start = [*tokenizer.sot_sequence, *([] if time_stamps else [tokenizer.no_timestamps])]
        hints = self._hints(replace(request, language=None), MAX_TOKENS // 2 - len(start) - 1)
        return [*([tokenizer.sot_prev, *hints] if hints else []), *start]

    def has_room_for(self, request: Request) -> bool:
        room = MAX_TOKENS // 2 - len(self._prompt(self._tokenizer(NO_HINTS), NO_HINTS)) - 1
        return len(self._hint_tokens(request, 8 * room)) <= room

    def _hint_tokens(self, request: Request, room: int) -> tuple[int, ...]:
        return tuple(hint_tokens(request, room, self._tokenizer(NO_HINTS).encode, self._begins_word))

    def _begins_word(self, token: int) -> bool:
        return str(self._whisper.hf_tokenizer.id_to_token(token)).startswith("Ġ")


def _search(request: Request, prompt: int) -> dict[str, Any]:
    """A short window gets room for fewer words than a full one, so that a model in a loop is soon stopped."""
    if request.frames >= FULL_WINDOW:
        return {"beam_size": 1} if request.quick else {}
    tokens = min(MAX_TOKENS // 2, 16 + 12 * request.frames // 100)
    # CTranslate2 gives the text the less of half of this and what the prompt leaves.
    length = min(MAX_TOKENS, max(2 * tokens, tokens + prompt))
    return {"beam_size": 1 if request.quick else BEAM, "max_length": length}


def _features(window: Window) -> Samples:
    assert window.features is not None
    return window.features


def _scored(result: Any) -> tuple[list[int], Scores]:
    tokens = list(result.sequences_ids[0])
    total = float(result.scores[0]) * len(tokens)
    return tokens, Scores(total / (len(tokens) + 1), float(result.no_speech_prob))


def _heard(words: Iterable[dict[str, Any]]) -> Iterable[Heard]:
    for word in words:
        if word["word"]:
            yield Heard(
                word["word"],
                float(word["start"]),
                float(word["end"]),
                float(word["probability"]),
                tuple(word["tokens"]),
            )


def _check(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled
