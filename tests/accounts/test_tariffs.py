"""contract.md's charging rules, as a table and as properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.services.tariffs import RULES, STANDARD, Tariff, tariff_of

lengths = st.integers(0, 12 * 3600 * 1000)
tariffs = st.sampled_from([tariff_of(dialect, speakers=speakers) for dialect in RULES for speakers in (False, True)])


@pytest.mark.parametrize("dialect", ["stt_ai", "openai", "jigsawstack", "interfaze"])
@pytest.mark.parametrize("speakers", [False, True])
@pytest.mark.parametrize(
    ("length_ms", "price_mc"), [(0, 0), (1, 1000), (60_000, 1000), (60_001, 2000), (60_400, 2000), (3_600_000, 60_000)]
)
def test_a_begun_minute_is_one_credit_and_speakers_cost_nothing(
    dialect: str, speakers: bool, length_ms: int, price_mc: int
) -> None:
    assert tariff_of(dialect, speakers=speakers).price_mc(length_ms) == price_mc


@pytest.mark.parametrize(
    ("length_ms", "plain_mc", "with_speakers_mc"),
    [(0, 0, 0), (1, 17, 22), (1000, 17, 22), (4800, 84, 109), (60_000, 1000, 1300), (60_400, 1017, 1322)],
)
def test_60db_counts_begun_seconds_and_thirty_per_cent_for_speakers(
    length_ms: int, plain_mc: int, with_speakers_mc: int
) -> None:
    assert tariff_of("sixtydb").price_mc(length_ms) == plain_mc
    assert tariff_of("sixtydb", speakers=True).price_mc(length_ms) == with_speakers_mc


def test_a_dialect_without_a_rule_has_no_price() -> None:
    with pytest.raises(KeyError):
        tariff_of("unheard of")


@pytest.mark.parametrize("tariff", [STANDARD, tariff_of("sixtydb")])
def test_a_negative_length_has_no_price(tariff: Tariff) -> None:
    with pytest.raises(ValueError, match="-1 ms"):
        tariff.price_mc(-1)


@pytest.mark.parametrize(
    ("text", "notices", "price_mc"),
    [
        ("Words.", [], 2000),
        ("", ["no_speech_detected"], 2000),
        ("", ["low_snr_dropped"], 0),
        ("What could be read.", ["low_snr_dropped"], 2000),
    ],
)
def test_what_was_too_noisy_to_read_is_free_and_silence_is_not(text: str, notices: list[str], price_mc: int) -> None:
    assert STANDARD.bill_mc(60_400, text, notices) == price_mc


@pytest.mark.parametrize("notice", ["speaker_labels_unavailable", "speaker_labels_failed"])
def test_speakers_that_nobody_told_apart_are_not_paid_for(notice: str) -> None:
    assert tariff_of("sixtydb", speakers=True).bill_mc(60_000, "Words.", [notice]) == 1000
    assert tariff_of("sixtydb", speakers=True).bill_mc(60_000, "Words.", []) == 1300


@given(tariffs, lengths, lengths)
def test_a_quote_covers_the_bill_and_is_not_a_unit_more(tariff: Tariff, declared: int, decoded: int) -> None:
    quote, bill = tariff.price_mc(max(declared, decoded)), tariff.price_mc(decoded)
    assert bill <= quote
    assert tariff.price_mc(decoded + tariff.unit_ms) - bill <= tariff.price_mc(tariff.unit_ms)


@given(tariffs, lengths)
def test_a_price_is_exact_and_rounded_up_once(tariff: Tariff, length: int) -> None:
    exact = tariff.billable_ms(length) * tariff.rate_ppm
    assert 0 <= tariff.price_mc(length) * 60_000_000 - exact < 60_000_000
    assert 0 <= tariff.billable_ms(length) - length < tariff.unit_ms


@given(tariffs, st.integers(0, 10**9))
def test_what_is_affordable_is_the_longest_that_can_be_paid(tariff: Tariff, available: int) -> None:
    affordable = tariff.affordable_ms(available)
    assert tariff.price_mc(affordable) <= available < tariff.price_mc(affordable + 1)
