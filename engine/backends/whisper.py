"""Whisper through faster-whisper and CTranslate2: the only module that calls them."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens

from engine.config import EngineConfig
from engine.errors import Cancelled, OutOfMemory
from engine.hints import hint_tokens
from engine.protocols import LanguageGuess, Request, Samples, Window
from engine.quality import LOOP_RATIO, compression_ratio
from engine.types import Segment
from engine.vad import SpeechDetector
from engine.words import Heard, Scores, to_segments, whole_words

BEAM = 5
MAX_LANES = 4
GPU_BATCH = 16
LANE_BATCH = 2
"""Windows a lane decodes one after the other in a batch, so that lanes do not wait for each other at every window."""
PAUSE = 1.0
MAX_TOKENS = 448
SPACELESS = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Languages whose text faster-whisper splits at every letter, for want of spaces."""


class WhisperRecognizer:
    """One loaded model. On a CPU windows are decoded one by one in parallel lanes of few threads each.

    A lane with one thread and one window measured 2.4 times the throughput of all threads on a batch of 8: threads
    of one inference wait for each other at every layer, and a CPU gains nothing from a batch. A GPU takes the batch.
    """

    def __init__(self, directory: Path, model_id: str, config: EngineConfig) -> None:
        self.model = model_id
        device = config.device
        if device == "auto":
            device = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
        threads = config.threads or len(os.sched_getaffinity(0))
        self._lanes = min(threads, MAX_LANES) if device == "cpu" else 1
        self._group = 1 if device == "cpu" else GPU_BATCH
        self.batch_windows = self._lanes * LANE_BATCH if device == "cpu" else GPU_BATCH
        self._whisper = WhisperModel(
            str(directory),
            device=device,
            compute_type=config.compute_type,
            cpu_threads=max(1, threads // self._lanes),
            num_workers=self._lanes,
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
        self._suppressed = get_suppressed_tokens(self._tokenizer(Request("en", "transcribe", None, True)), [-1])

    def prepare(self, window: Window) -> Window:
        """Log-mel features, padded as the model was trained: [mels, 3000]."""
        if window.features is not None:
            return window
        features = self._whisper.feature_extractor(window.samples)[..., :-1]
        return replace(window, features=pad_or_trim(features))

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

    def recognize(
        self, windows: Sequence[Window], requests: Sequence[Request], cancelled: Callable[[], bool]
    ) -> list[tuple[Segment, ...]]:
        def lane(at: int) -> list[tuple[Segment, ...]]:
            end = at + self._group
            return self._decode(windows[at:end], requests[at:end], cancelled)

        while True:
            try:
                with ThreadPoolExecutor(self._lanes, thread_name_prefix="whisper") as lanes:
                    decoded = lanes.map(lane, range(0, len(windows), self._group))
                    return [segments for group in decoded for segments in group]
            except RuntimeError as error:
                self._shrink(error)

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

    def _decode(
        self, windows: Sequence[Window], requests: Sequence[Request], cancelled: Callable[[], bool]
    ) -> list[tuple[Segment, ...]]:
        prompts = [self._prompt(self._tokenizer(request), request) for request in requests]
        _check(cancelled)
        encoded = self._encode(windows)
        _check(cancelled)
        texts = self._generate(encoded, prompts, {})
        _check(cancelled)
        return self._segments(windows, requests, texts, encoded)

    def _encode(self, windows: Sequence[Window]) -> ctranslate2.StorageView:
        features = [_features(self.prepare(window)) for window in windows]
        kept, self._encoded = self._encoded, None
        if kept is not None and len(features) == 1 and kept[0] is features[0]:
            return kept[1]
        return self._whisper.encode(np.stack(features))

    def _generate(
        self, encoded: ctranslate2.StorageView, prompts: list[list[int]], how: dict[str, Any]
    ) -> list[tuple[list[int], Scores]]:
        """All prompts have one length: CTranslate2 wants the start of the transcript at one place."""
        results = self._whisper.model.generate(
            encoded,
            prompts,
            beam_size=BEAM,
            max_length=MAX_TOKENS,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=self._suppressed,
            **how,
        )
        return [_scored(result) for result in results]

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
        room = MAX_TOKENS // 2 - len(start) - 1
        hints = hint_tokens(request, room, tokenizer.encode, self._begins_word)
        return [*([tokenizer.sot_prev, *hints] if hints else []), *start]

    def _begins_word(self, token: int) -> bool:
        return str(self._whisper.hf_tokenizer.id_to_token(token)).startswith("Ġ")

    def _shrink(self, error: RuntimeError) -> None:
        """Halve the group that goes to the device at once, where it ran out of memory."""
        if "out of memory" not in str(error).lower():
            raise error
        if self._group == 1:
            raise OutOfMemory(
                "out_of_memory",
                f"There is not enough memory for the model {self.model} to transcribe even 30 seconds of audio. "
                "Free memory on the device or choose a smaller model.",
            ) from error
        self._group //= 2


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
