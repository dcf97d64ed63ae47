"""Texts of like length together: their padding costs as much as words."""

from collections.abc import Iterator, Sequence


def batches(lengths: Sequence[int], most_tokens: int) -> Iterator[list[int]]:
    """Places of the texts, the longest first; a batch has at most so many tokens, padded."""
    batch: list[int] = []
    for at in sorted(range(len(lengths)), key=lambda at: -lengths[at]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > most_tokens:
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch
