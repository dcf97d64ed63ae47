"""Text by Qwen2.5-1.5B-Instruct, token by token."""

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import ctranslate2
from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

from engine import hardware
from engine.config import EngineConfig
from engine.errors import EngineError
from engine.text.lane import Lane
from engine.text.types import Message
from engine.waiting import BEAT, in_thread

CONTEXT = 32_768
"""Tokens that the model was made to see, its own among them."""
SLICE = 16
"""Tokens that are written before others may have the lane."""
WRITERS_ON_GPU = 4
TOP_K, TOP_P, REPETITION_PENALTY = 20, 0.8, 1.1
"""As the model's makers publish them."""
BEGIN, END = "<|im_start|>", "<|im_end|>"
ENDS = (END, "<|endoftext|>")


class Writer:
    """One loaded model. Thread-safe; as many texts at a time as it has workers."""

    def __init__(self, directory: Path, config: EngineConfig) -> None:
        device = hardware.detect(config.device).device
        lanes = hardware.lanes(config)
        self.at_once = lanes if device == "cpu" else WRITERS_ON_GPU
        self._seconds = config.write_seconds
        self._generator = ctranslate2.Generator(
            str(directory),
            device=device,
            compute_type="int8" if device == "cpu" else "int8_float16",
            inter_threads=self.at_once,
            intra_threads=max(1, hardware.threads(config) // lanes),
        )
        self._words = Tokenizer.from_file(str(directory / "tokenizer.json"))
        # What looks like a mark of the dialogue inside a message is text like other text.
        self._words.encode_special_tokens = True
        # A generation that pauses keeps its worker: one more would wait for it on a lane that it needs.
        self._places = threading.Semaphore(self.at_once)

    def write(
        self,
        messages: Sequence[Message],
        *,
        most_tokens: int,
        temperature: float,
        stop: Sequence[str],
        lane: Lane,
        beat: Callable[[], None],
    ) -> Generator[str, None, bool]:
        """Returns whether the text was cut off."""
        prompt = self.prompt(messages)
        if len(prompt) + most_tokens > CONTEXT:
            raise EngineError(
                "text_too_long",
                f"The text is too long for this server's writer: with the answer it may have {CONTEXT} tokens, and it "
                f"has {len(prompt) + most_tokens}. Send less of it.",
            )
        with self._place(beat):
            generation = _Generation(self._generator, prompt, most_tokens, temperature)
            try:
                yield from until(stop, self._read(generation, lane, beat))
            finally:
                generation.stop()
            return generation.cut

    def _read(self, generation: "_Generation", lane: Lane, beat: Callable[[], None]) -> Generator[str, None, None]:
        stream, deadline = DecodeStream(skip_special_tokens=True), time.monotonic() + self._seconds
        while not generation.ended and time.monotonic() < deadline:
            for token in generation.tokens(lane(generation.advance), beat):
                if piece := stream.step(self._words, token):
                    yield piece
        generation.cut = generation.full or not generation.ended

    def prompt(self, messages: Sequence[Message]) -> list[str]:
        """The dialogue in the model's own form (ChatML), which ends where its answer begins."""
        tokens: list[str] = []
        for message in messages:
            tokens += [BEGIN, *self._tokens(f"{message['role']}\n"), *self._tokens(message["content"]), END]
            tokens += self._tokens("\n")
        return [*tokens, BEGIN, *self._tokens("assistant\n")]

    def _tokens(self, text: str) -> list[str]:
        found: list[str] = self._words.encode(text, add_special_tokens=False).tokens
        return found

    @contextmanager
    def _place(self, beat: Callable[[], None]) -> Generator[None, None, None]:
        while not self._places.acquire(timeout=BEAT):
            beat()
        try:
            yield
        finally:
            self._places.release()


class _Generation:
    """One text. CTranslate2 writes it in a thread that rests whenever no lane is given to it."""

    def __init__(self, generator: Any, prompt: list[str], most_tokens: int, temperature: float) -> None:
        self._generate: Callable[[], Any] = lambda: generator.generate_batch(
            [prompt],
            max_length=most_tokens,
            end_token=list(ENDS),
            include_prompt_in_result=False,
            sampling_topk=TOP_K if temperature else 1,
            sampling_topp=TOP_P if temperature else 1.0,
            sampling_temperature=temperature or 1.0,
            repetition_penalty=REPETITION_PENALTY,
            callback=self._heard,
        )
        self._fresh: SimpleQueue[int] = SimpleQueue()
        self._changed = threading.Condition()
        self._allowed = 0
        self._left = most_tokens
        self._stopped = False
        self._work: Future[None] | None = None
        self.ended = False
        self.cut = False

    @property
    def full(self) -> bool:
        """Tokens are counted, not pieces: several may make one letter."""
        return not self._left

    def advance(self) -> None:
        """A slice, on a lane; returns when it is written."""
        with self._changed:
            self._allowed = SLICE
            self._changed.notify_all()
            self._work = self._work or in_thread(self._run, "write")
            self._changed.wait_for(lambda: self.ended or not self._allowed)
        if self.ended:
            self._work.result()

    def tokens(self, slice_: "Future[None]", beat: Callable[[], None]) -> Iterator[int]:
        """Those of one slice, as they are written."""
        while not slice_.done() or not self._fresh.empty():
            try:
                yield self._fresh.get(timeout=BEAT)
            except Empty:
                beat()
        slice_.result()

    def stop(self) -> None:
        """It ends with the token that it is at."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            self._generate()
        finally:
            with self._changed:
                self.ended = True
                self._changed.notify_all()

    def _heard(self, step: Any) -> bool:
        """Called for each token, in the thread that writes; True ends the text."""
        with self._changed:
            self._fresh.put(step.token_id)
            self._allowed -= 1
            self._left -= 1
            if not self._allowed:
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._allowed or self._stopped)
            return self._stopped


def until(stop: Sequence[str], pieces: Generator[str, None, None]) -> Generator[str, None, None]:
    """The pieces up to the first of `stop`. What could be the beginning of one is held back."""
    held = ""
    for piece in pieces:
        held += piece
        ends = [at for word in stop if word and (at := held.find(word)) >= 0]
        if ends:
            held = held[: min(ends)]
            break
        safe = len(held) - max((_begun(held, word) for word in stop), default=0)
        if safe:
            yield held[:safe]
            held = held[safe:]
    if held:
        yield held


def _begun(text: str, word: str) -> int:
    """How many letters at the end of the text begin the word."""
    return next((size for size in range(min(len(word), len(text)), 0, -1) if text.endswith(word[:size])), 0)
