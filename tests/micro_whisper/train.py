"""Train the model, stage after stage.

python -m tests.micro_whisper.train ALL.pkl FOCUS.pkl OUT.pt [--from CHECKPOINT] [--stages 1 2 3] [--steps N]
Set OMP_WAIT_POLICY=passive on a machine that does anything else: 0.5 s instead of 10 s a step on two shared cores.
"""

import argparse
import math
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tests.micro_whisper.batches import TIME_ZERO, Batch, Recipe, build
from tests.micro_whisper.corpus import Clip, Corpus, load
from tests.micro_whisper.lexicon import WORD_CLASSES
from tests.micro_whisper.losses import losses
from tests.micro_whisper.model import MicroWhisper, Shape
from tests.micro_whisper.tokens import VOCABULARY

WARM_UP = 100
RECIPE = Recipe()

WindowSize = tuple[int, int]
"""(frames of 10 ms, windows a batch)"""


@dataclass(frozen=True)
class Stage:
    """`plan`: until this share of the stage, draw from these sizes. `focus`: how often the focus clips are repeated."""

    steps: int
    peak: float
    plan: tuple[tuple[float, tuple[WindowSize, ...]], ...]
    smear: float = 0.0
    cosine: bool = False
    focus: int = 0
    recipe: Recipe = RECIPE


_SHORT, _MIDDLE, _EIGHT, _WHOLE = (600, 20), (1000, 12), (800, 14), (3000, 4)

STAGES = {
    1: Stage(900, 2e-3, ((0.58, (_SHORT,)), (1.0, (_MIDDLE,))), smear=1.0),
    2: Stage(1700, 2e-3, ((0.42, (_EIGHT,)), (0.62, (_WHOLE, _MIDDLE)), (1.0, (_WHOLE,))), smear=0.6, cosine=True),
    3: Stage(570, 1.2e-3, ((0.7, (_MIDDLE, _WHOLE, _WHOLE, _WHOLE)), (1.0, (_WHOLE,))), focus=6),
    4: Stage(280, 8e-4, ((1.0, (_WHOLE,)),), focus=60),
    5: Stage(2440, 9e-4, ((0.7, (_MIDDLE, _WHOLE, _WHOLE, _WHOLE)), (1.0, (_WHOLE,))), focus=8),
}


class Trainer:
    def __init__(self, everything: Corpus, focus: Corpus, checkpoint: Path | None) -> None:
        torch.manual_seed(0)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.everything, self.focus = everything.clips, _same_phonemes(focus, everything)
        shape = Shape(VOCABULARY, TIME_ZERO, len(WORD_CLASSES), len(everything.phoneme_ids) + 1)
        self.model = MicroWhisper(shape)
        if checkpoint:
            self.model.load_state_dict(torch.load(checkpoint, weights_only=True)["weights"])
        self.model.to(self.device)
        self.chance = random.Random(1)

    def run(self, stage: Stage, steps: int) -> None:
        clips = self.everything + self.focus * stage.focus
        by_language = {language: [clip for clip in clips if clip.language == language] for language in ("en", "es")}
        optimizer = _optimizer(self.model, stage.peak)
        began = time.monotonic()
        for step in range(steps):
            done = step / steps
            for group in optimizer.param_groups:
                group["lr"] = stage.peak * min(1, (step + 1) / WARM_UP) * _schedule(stage, done)
            frames, size = self.chance.choice(next(sizes for until, sizes in stage.plan if done < until))
            batch = _moved(build(by_language, frames, size, self.chance, stage.recipe), self.device)
            smear = max(0.0, stage.smear * (1 - done / 0.75))
            result = losses(self.model, batch, smear=smear, spread_evenly=stage.focus > 0)
            optimizer.zero_grad()
            result.total(helpers=1 if done < 0.6 else 0.5).backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            optimizer.step()
            if step % 20 == 0 or step == steps - 1:
                print(
                    f"{time.monotonic() - began:6.0f} s  step {step:5}  tokens {result.tokens:.3f}  "
                    f"words {result.words:.3f}  phonemes {result.phonemes:.3f}  attention {result.attention / 5:.3f}  "
                    f"text {result.text_accuracy:.3f}  times {result.time_accuracy:.3f}",
                    flush=True,
                )

    def save(self, path: Path) -> None:
        torch.save({"weights": self.model.cpu().state_dict(), "shape": asdict(self.model.shape)}, path)
        self.model.to(self.device)


def _schedule(stage: Stage, done: float) -> float:
    if not stage.cosine:
        return max(0.02, 1 - done) if stage.focus else 1.0
    return 1.0 if done < 0.3 else max(0.02, 0.5 * (1 + math.cos(math.pi * (done - 0.3) / 0.7)))


def _optimizer(model: nn.Module, peak: float) -> torch.optim.Optimizer:
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        (decayed if parameter.ndim > 1 and "embed" not in name else kept).append(parameter)
    groups = [{"params": decayed, "weight_decay": 0.02}, {"params": kept, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.98), fused=True)


def _same_phonemes(corpus: Corpus, reference: Corpus) -> list[Clip]:
    """Number the phonemes of one corpus as the other does; those it lacks become silence."""
    table = np.zeros(len(corpus.phoneme_ids) + 1, np.uint8)
    for name, number in corpus.phoneme_ids.items():
        table[number] = reference.phoneme_ids.get(name, 0)
    for clip in corpus.clips:
        clip.phonemes = table[clip.phonemes]
    return corpus.clips


def _moved(batch: Batch, device: str) -> Batch:
    return Batch(**{name: value.to(device) for name, value in vars(batch).items()})


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("everything", type=Path)
    parser.add_argument("focus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--from", dest="checkpoint", type=Path)
    parser.add_argument("--stages", type=int, nargs="+", default=list(STAGES))
    parser.add_argument("--steps", type=int, help="of each stage, instead of its own number: for a trial")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    trainer = Trainer(load(options.everything), load(options.focus), options.checkpoint)
    for number in options.stages:
        print(f"stage {number}: {STAGES[number]}")
        trainer.run(STAGES[number], options.steps or STAGES[number].steps)
        trainer.save(options.out)


if __name__ == "__main__":
    main()
