"""What a recording costs, by the dialect that it came in: one formula for the quote, the hold and the bill.

Lengths are integer milliseconds, prices integer millicredits; nothing is a float and each price is rounded up once.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

MINUTE_MS = 60_000
SECOND_MS = 1_000
BASE_PPM = 1_000_000
"""The rate of one credit a minute, in parts per million of it."""
MC_MS_PPM = 60_000_000
"""Milliseconds times parts per million that make one millicredit."""
NO_SPEAKERS = frozenset({"speaker_labels_unavailable", "speaker_labels_failed"})
"""Notices of a result without the speakers that were asked for: nothing is paid for them."""
NOT_CHARGED = frozenset({"low_snr_dropped"})
"""Notices of a result that stands for no work. `no_speech_detected` is none: the silence was listened to."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """A begun `unit_ms` counts as a whole one. A job keeps the tariff it was accepted with."""

    unit_ms: int = MINUTE_MS
    rate_ppm: int = BASE_PPM
    speakers_ppm: int = 0
    """Of the rate, what is for telling speakers apart."""

    def billable_ms(self, length_ms: int) -> int:
        if length_ms < 0:
            raise ValueError(f"A recording cannot last {length_ms} ms.")
        return -(-length_ms // self.unit_ms) * self.unit_ms

    def price_mc(self, length_ms: int) -> int:
        return -(-self.billable_ms(length_ms) * self.rate_ppm // MC_MS_PPM)

    def affordable_ms(self, available_mc: int) -> int:
        """The longest whole units whose price is within `available_mc`."""
        return max(0, available_mc) * MC_MS_PPM // (self.unit_ms * self.rate_ppm) * self.unit_ms

    def bill_mc(self, length_ms: int, text: str, notices: Collection[str]) -> int:
        """Of a run that succeeded; what failed or was cancelled is never billed."""
        if not text and NOT_CHARGED.intersection(notices):
            return 0
        if NO_SPEAKERS.intersection(notices):
            return Tariff(self.unit_ms, self.rate_ppm - self.speakers_ppm).price_mc(length_ms)
        return self.price_mc(length_ms)


@dataclass(frozen=True, slots=True)
class Rule:
    unit_ms: int = MINUTE_MS
    speakers_ppm: int = 0
    """Added to the rate where speakers are told apart."""


RULES: Mapping[str, Rule] = {
    "stt_ai": Rule(),
    "openai": Rule(),
    "jigsawstack": Rule(),
    "interfaze": Rule(),
    "sixtydb": Rule(SECOND_MS, speakers_ppm=300_000),
}
STANDARD = Tariff()


def tariff_of(dialect: str, *, speakers: bool = False) -> Tariff:
    rule = RULES[dialect]
    added = rule.speakers_ppm if speakers else 0
    return Tariff(rule.unit_ms, BASE_PPM + added, added)
