"""Windows to tensors: input tokens, targets, and where the attention of the decoder should look."""

import math
import random
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import torch

from tests.micro_whisper.corpus import Span
from tests.micro_whisper.lexicon import Words
from tests.micro_whisper.tokens import (
    END,
    FIRST_LANGUAGE,
    FIRST_TIME,
    LANGUAGES,
    NO_SPEECH,
    NO_TIMES,
    PIECES,
    PREVIOUS,
    START,
    TRANSCRIBE,
    TRANSLATE,
    compact,
    language_id,
    word_tokens,
)
from tests.micro_whisper.windows import IGNORED, Clips, Kind, Window, compose

TIME_ZERO = compact(FIRST_TIME)
LAST_TIME = 1500
GRID = 5
"""Time stamps stand on a grid of 0.1 s, in units of 20 ms."""


class Guided(IntEnum):
    """What a query of the decoder should attend to."""

    TOKEN_READ = 0
    NEXT_WORD = 1
    NEXT_TIME = 2


@dataclass(frozen=True)
class Recipe:
    """Shares of the sequences."""

    with_times: float = 0.52
    with_prompt: float = 0.42
    wrong_language: float = 0.04


@dataclass
class Batch:
    features: torch.Tensor  # (batch, 80, frames)
    word_labels: torch.Tensor  # (batch, frames / 2)
    phoneme_labels: torch.Tensor
    tokens: torch.Tensor  # (batch, length)
    targets: torch.Tensor
    guides: torch.Tensor  # (guides, 5): kind, row, position, first and last encoder position
    offsets: torch.Tensor  # (batch,): first encoder position


@dataclass
class _Sequence:
    tokens: list[int]
    targets: list[int]
    guides: list[tuple[Guided, int, Span]] = field(default_factory=list)

    def read(self, token: int, span: Span | None) -> None:
        if span:
            self.guides.append((Guided.TOKEN_READ, len(self.tokens), span))
        self.tokens.append(token)
        self.targets.append(IGNORED)

    def predict(self, token: int, span: Span | None, kind: Guided) -> None:
        """The last token read has to be followed by this one."""
        self.targets[-1] = token
        if span:
            self.guides.append((kind, len(self.tokens) - 1, span))


def build(clips: Clips, frames: int, size: int, chance: random.Random, recipe: Recipe) -> Batch:
    windows, sequences, offsets = [], [], []
    for _ in range(size):
        window = compose(clips, frames, chance)
        whole = frames >= 3000 or chance.random() < 0.4
        offset = 0 if whole else chance.randrange(0, LAST_TIME - frames // 2 + 1, GRID)
        windows.append(window)
        offsets.append(offset)
        sequences.append(_sequence(window, offset, clips, chance, recipe))
    length = max(len(sequence.tokens) for sequence in sequences) - 1
    tokens = np.full((size, length), compact(END))
    targets = np.full((size, length), IGNORED)
    for row, sequence in enumerate(sequences):
        tokens[row, : len(sequence.tokens) - 1] = sequence.tokens[:-1]
        targets[row, : len(sequence.targets) - 1] = sequence.targets[:-1]
    return Batch(
        features=torch.from_numpy(np.stack([window.features for window in windows])).transpose(1, 2).contiguous(),
        word_labels=torch.from_numpy(np.stack([window.word_labels for window in windows])),
        phoneme_labels=torch.from_numpy(np.stack([window.phoneme_labels for window in windows])),
        tokens=torch.from_numpy(tokens).long(),
        targets=torch.from_numpy(targets).long(),
        guides=torch.tensor(_guides(sequences, frames // 2), dtype=torch.long).reshape(-1, 5),
        offsets=torch.tensor(offsets),
    )


def _sequence(window: Window, offset: int, clips: Clips, chance: random.Random, recipe: Recipe) -> _Sequence:
    with_times = chance.random() < recipe.with_times
    language = language_id(window.language)
    if chance.random() < recipe.wrong_language:
        language = FIRST_LANGUAGE + chance.randrange(len(LANGUAGES))
    prompt = _prompt(window.language, clips, chance) if chance.random() < recipe.with_prompt else []
    head = [*prompt, compact(START), compact(language), compact(TRANSLATE if window.translate else TRANSCRIBE)]
    sequence = _Sequence(head, [IGNORED] * len(head))
    true_first = NO_SPEECH if window.kind is Kind.SILENT else language_id(window.language)
    sequence.targets[len(prompt)] = compact(true_first)
    if not with_times:
        sequence.read(compact(NO_TIMES), None)
    body = _body(window, offset, with_times=with_times)
    for index, (token, span, kind) in enumerate(body):
        sequence.predict(token, span, kind)
        late = index == 0 and with_times and span is not None and span[0] > 1.0 and offset == 0
        if late and chance.random() < 0.35:
            # faster-whisper may force an early first time stamp: the words must follow all the same.
            token = TIME_ZERO + chance.choice((0, 50, GRID * chance.randint(0, 10)))
        sequence.read(token, span)
    return sequence


def _body(window: Window, offset: int, *, with_times: bool) -> list[tuple[int, Span | None, Guided]]:
    body: list[tuple[int, Span | None, Guided]] = []
    for said in window.said:
        if with_times:
            body.append((_time(said.start, offset), (said.start - 0.06, said.start + 0.06), Guided.NEXT_TIME))
        for word, span in said.words:
            body += _word(word, span)
        if with_times:
            body.append((_time(said.end, offset, up=True), (said.end - 0.04, said.end + 0.08), Guided.NEXT_TIME))
    if with_times and window.unfinished is not None:
        near = (window.unfinished - 0.06, window.unfinished + 0.06)
        body.append((_time(window.unfinished, offset), near, Guided.NEXT_TIME))
    if with_times and window.kind is Kind.SILENT:
        body.append((TIME_ZERO + offset, None, Guided.NEXT_TIME))
    body.append((compact(END), None, Guided.NEXT_WORD))
    return body


def _word(word: str, span: Span) -> list[tuple[int, Span | None, Guided]]:
    ids, mark = word_tokens(word)
    step = (span[1] - span[0]) / len(ids)
    parts: list[tuple[int, Span | None, Guided]] = [
        (token, (span[0] + step * index, span[0] + step * (index + 1)), Guided.NEXT_WORD)
        for index, token in enumerate(ids)
    ]
    # The mark looks at the pause behind the word: that is what makes the ends of words good.
    return parts + [(token, (span[1], span[1] + 0.14), Guided.NEXT_WORD) for token in mark]


def _time(seconds: float, offset: int, *, up: bool = False) -> int:
    steps = seconds * 50 / GRID
    rounded = math.ceil(steps - 0.1) if up else math.floor(steps + 0.1)
    return TIME_ZERO + offset + min(LAST_TIME, max(0, rounded * GRID))


def _prompt(language: str, clips: Clips, chance: random.Random) -> list[int]:
    """Earlier sentences, with or without time stamps; a word in a hundred is one that the model does not know."""
    with_times = chance.random() < 0.5
    tokens: list[int] = []
    at = 0
    for _ in range(chance.randint(1, 4) if chance.random() < 0.5 else chance.randint(5, 24)):
        if with_times:
            tokens.append(TIME_ZERO + at)
        tokens += _prompt_words(chance.choice(clips[language]).words, chance)
        at = min(LAST_TIME, at + 5 * chance.randint(6, 30))
        if with_times:
            tokens.append(TIME_ZERO + at)
    return [compact(PREVIOUS), *tokens[-chance.randint(30, 223) :]]


def _prompt_words(words: Words, chance: random.Random) -> list[int]:
    tokens: list[int] = []
    for word in words:
        if chance.random() < 0.01:
            tokens += [PIECES.index("Ġ"), *(chance.randrange(256) for _ in range(chance.randint(2, 6)))]
        ids, mark = word_tokens(word)
        tokens += ids + mark
    return tokens


def _guides(sequences: list[_Sequence], positions: int) -> list[tuple[int, int, int, int, int]]:
    result = []
    for row, sequence in enumerate(sequences):
        for kind, position, (start, stop) in sequence.guides:
            first = max(0, int(start * 50) - 1)
            last = min(positions, max(first + 1, math.ceil(stop * 50) + 1))
            if first < positions and position < len(sequence.tokens) - 1:
                result.append((int(kind), row, position, first, last))
    return result
