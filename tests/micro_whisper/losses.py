"""What training asks for beside the next token: words and phonemes a frame, and where to look."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from tests.micro_whisper.batches import GRID, LAST_TIME, TIME_ZERO, Batch, Guided
from tests.micro_whisper.model import MicroWhisper
from tests.micro_whisper.windows import IGNORED

# (decoder layer, head). Heads 2.0 and 2.1 become the model's alignment heads: word times are read off them.
GUIDED_HEADS = {
    Guided.TOKEN_READ: ((0, 0),),
    Guided.NEXT_WORD: ((2, 0), (2, 1), (1, 0)),
    Guided.NEXT_TIME: ((2, 2),),
}
ALIGNMENT_HEADS = ((2, 0), (2, 1))


@dataclass
class Losses:
    tokens: Tensor
    words: Tensor
    phonemes: Tensor
    attention: Tensor
    text_accuracy: float
    time_accuracy: float

    def total(self, helpers: float) -> Tensor:
        """`helpers`: how much of the frame labels and the attention to count."""
        return self.tokens + helpers * (0.7 * self.words + 0.5 * self.phonemes + 0.12 * self.attention)


def losses(model: MicroWhisper, batch: Batch, *, smear: float, spread_evenly: bool) -> Losses:
    """`smear`: how far, in grid steps, a time stamp's target reaches over its neighbours."""
    encoded, middle = model.encoder(batch.features, batch.offsets)
    logits, attended = model.decoder(batch.tokens, encoded)
    words, phonemes = model.word_head(encoded), model.phoneme_head(middle)
    correct = logits.argmax(-1) == batch.targets
    known = batch.targets != IGNORED
    is_time = known & (batch.targets >= TIME_ZERO)
    near = (logits.argmax(-1) - batch.targets).abs() <= 2 * GRID
    return Losses(
        tokens=_token_loss(logits, batch.targets, smear),
        words=functional.cross_entropy(words.flatten(0, 1), batch.word_labels.flatten(), ignore_index=IGNORED),
        phonemes=functional.cross_entropy(phonemes.flatten(0, 1), batch.phoneme_labels.flatten(), ignore_index=IGNORED),
        attention=_attention_loss(attended, batch.guides, spread_evenly),
        text_accuracy=_share(correct, known & ~is_time),
        time_accuracy=_share(near, is_time),
    )


def _share(right: Tensor, among: Tensor) -> float:
    return float(right[among].float().mean()) if among.any() else 0.0


def _token_loss(logits: Tensor, targets: Tensor, smear: float) -> Tensor:
    """Cross entropy; early in training a time stamp may miss by a step or two of the grid."""
    known = targets != IGNORED
    log_probabilities = functional.log_softmax(logits[known], -1)
    targets = targets[known]
    loss = -log_probabilities.gather(1, targets[:, None])[:, 0]
    if smear > 0:
        is_time = targets >= TIME_ZERO
        steps = torch.arange(-2, 3, device=targets.device)
        weights = torch.softmax(-0.5 * (steps / smear) ** 2, 0)
        around = (targets[is_time][:, None] + steps * GRID).clamp(TIME_ZERO, TIME_ZERO + LAST_TIME)
        smeared = -(log_probabilities[is_time].gather(1, around) * weights).sum(1)
        loss = torch.cat([loss[~is_time], smeared])
    return loss.mean()


def _attention_loss(attended: list[Tensor], guides: Tensor, spread_evenly: bool) -> Tensor:
    """Minus the logarithm of the attention that falls inside the token's own stretch of time."""
    total = attended[0].new_zeros(())
    for kind, heads in GUIDED_HEADS.items():
        chosen = guides[guides[:, 0] == kind]
        if not len(chosen):
            continue
        first, last = chosen[:, 3:4], chosen[:, 4:5]
        for layer, head in heads:
            weights = attended[layer][chosen[:, 1], head, chosen[:, 2]]
            if spread_evenly and kind is Guided.NEXT_WORD and layer == ALIGNMENT_HEADS[0][0]:
                # Even over the word, so that dynamic time warping finds its end as well as its start.
                length = (last - first).float()
                inside = _between(torch.log(weights.clamp_min(1e-5)), first, last)
                total = total - (inside / length + torch.log(length)).mean()
            else:
                total = total - torch.log(_between(weights, first, last).clamp_min(1e-4)).mean()
    return total


def _between(values: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """Sum of each row from `first` up to, not including, `last`."""
    sums = functional.pad(values.cumsum(-1), (1, 0))
    return sums.gather(1, last) - sums.gather(1, first)
