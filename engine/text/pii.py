"""What tells who somebody is, or opens something of theirs: where it stands, and the text without it.

By rules: numbers by their checksums (python-stdnum) and national plans (phonenumbers), the rest by form and by what
stands before it. Both as written and as said ("jane dot doe at example dot org").
"""

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain

import phonenumbers
import regex
from stdnum import iban, luhn
from stdnum.br import cpf
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.it import codicefiscale

from engine.text import dates
from engine.text.marked import Span, apart, without_breaks
from engine.text.names import CAPITAL, people
from engine.text.organisations import organisations
from engine.text.spoken import Number, numbers
from engine.text.types import Line
from engine.text.wordlists import wordlists

REGIONS = {
    "en": ("US", "GB", "CA", "AU", "IE", "NZ"),
    "es": ("ES", "MX", "AR", "CO", "CL", "PE"),
    "de": ("DE", "AT", "CH"),
}
ALL_REGIONS = tuple(region for regions in REGIONS.values() for region in regions)

LISTS = wordlists("pii.txt")
PHONE_CUE, CARD_CUE, ACCOUNT_CUE = LISTS.whole_words("phone"), LISTS.whole_words("card"), LISTS.whole_words("account")
SSN_CUE, BIRTH_CUE = LISTS.whole_words("social"), LISTS.whole_words("birth")
BEFORE = 60
"""Characters before a number that may say what it is."""

NAME_PART = r"[\p{L}\p{N}_%+-]{1,40}"
SAID_DOT = rf"\s{LISTS.any_of('DOT')}\s"
JOINT = rf"(?:\.|{SAID_DOT}|\s{LISTS.any_of('SIGN')}\s)"
EMAIL = regex.compile(
    rf"(?<![\p{{L}}\p{{N}}])(?:\p{{L}}\s){{0,12}}{NAME_PART}(?:{JOINT}{NAME_PART}){{0,5}}(?:@|\s{LISTS.any_of('AT')}\s)"
    rf"(?:{NAME_PART}{JOINT}){{1,5}}?{LISTS.any_of('TLD')}(?![\p{{L}}\p{{N}}])",
    regex.IGNORECASE,
)
PLAIN_EMAIL = regex.compile(r"(?<![\w.+-])[\w.+%-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,6}")
WRITTEN_PHONE = regex.compile(r"(?<![\w+])(?:\+|00)?\(?\d[\d\s().\-/]{5,22}\d(?![\w])")
PHONE_SHAPE = regex.compile(r"\(?\d{3}\)?[-. ]\d{3}[-. ]\d{4}|\d{3}-\d{4}")
DATE = regex.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\s?\d{1,2}[-/.]\s?\d{2,4}|(?:19|20)\d\d\s?[-–]\s?(?:19|20)\d\d"
)
SSN = regex.compile(r"(?<!\d)\d{3}[- ]\d{2}[- ]\d{4}(?!\d)")
SECRET = regex.compile(
    rf"\b{LISTS.any_of('secret')}(?:(?:\s[\p{{L}}'’-]+){{0,4}}?\s(?:is|es|ist|lautet)|:)\s"
    r"(?P<secret>\d[\d ]{2,10}\d|(?=\S{0,39}\d)[^\s,;.?!\x00]{4,40}|[^\s,;.?!\x00]{4,40}(?=[.!\x00]|$))",
    regex.IGNORECASE,
)
PLACES = wordlists("entities.txt")
STREETS = (
    regex.compile(rf"(?<!\w)\d{{1,5}}[A-Za-z]?\s(?:{CAPITAL}\s){{1,3}}{PLACES.any_of('STREET')}(?!\p{{L}})"),
    regex.compile(
        rf"(?<!\w)(?i:{PLACES.any_of('VIA')})\s(?:(?:de|del|la|los|las)\s){{0,2}}{CAPITAL}(?:\s(?:(?:de|del|la)\s)?{CAPITAL}){{0,3}}"
        r",?\s(?:número\s|n\.?º?\s)?\d{1,4}(?!\w)"
    ),
    regex.compile(rf"(?<!\w)(?:{CAPITAL}\s)?{PLACES.any_of('STRASSE')}\s\d{{1,4}}[a-z]?(?!\w)", regex.IGNORECASE),
)
IBAN = regex.compile(r"(?<![\p{L}\p{N}])[A-Z]{2}\s?\d{2}(?:[ -]?[A-Z0-9]{1,4}){3,8}(?![\p{L}\p{N}])")
IP = regex.compile(
    r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d)|(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])",
    regex.IGNORECASE,
)
URL_WITH_CREDENTIALS = regex.compile(r"\b\p{L}[\p{L}\d+.-]{1,20}://[^\s/@:]{1,80}:[^\s/@]{1,80}@[^\s]{1,300}")
NATIONAL: tuple[tuple[regex.Pattern[str], Callable[[str], bool]], ...] = (
    (regex.compile(r"(?<!\w)\d{8}[- ]?[A-Z](?!\w)"), dni.is_valid),
    (regex.compile(r"(?<!\w)[XYZ][- ]?\d{7}[- ]?[A-Z](?!\w)"), nie.is_valid),
    (regex.compile(r"(?<!\w)\d{2} ?\d{3} ?\d{3} ?\d{3}(?!\w)"), idnr.is_valid),
    (regex.compile(r"(?<!\w)[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z](?!\w)"), codicefiscale.is_valid),
    (regex.compile(r"(?<!\w)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\w)"), cpf.is_valid),
    (regex.compile(r"(?<!\w)[12] ?\d{2} ?\d{2} ?\d{2} ?\d{3} ?\d{3} ?\d{2}(?!\w)"), nir.is_valid),
)


def spans(lines: Sequence[Line], code: str | None) -> list[Span]:
    """In the order of the text, none across another; where several fit, the surer one."""
    text = without_breaks(lines)
    named = apart(chain(_all(text, code), organisations(text, code), people(text, lines, code)), len(text))
    return [span for span in named if span.label != "ORG"]


def contacts(text: str, code: str | None) -> list[Span]:
    """How and where somebody can be reached, and nothing else that is made of digits."""
    return [span for span in apart(_all(text, code), len(text)) if span.label in ("EMAIL", "PHONE", "ADDRESS")]


def redacted(text: str, found: Iterable[Span]) -> str:
    parts: list[str] = []
    at = 0
    for span in found:
        parts += (text[at : span.start], f"[{span.label}]")
        at = span.end
    return "".join((*parts, text[at:]))


def _all(text: str, code: str | None) -> Iterator[Span]:
    """The surest first."""
    yield from (Span("URL", *match.span()) for match in URL_WITH_CREDENTIALS.finditer(text))
    yield from _emails(text)
    yield from (Span("PASSWORD", *match.span("secret")) for match in SECRET.finditer(text))
    yield from _ibans(text)
    yield from _national(text)
    yield from _hosts(text)
    yield from _births(text)
    for pattern in STREETS:
        yield from (Span("ADDRESS", *match.span()) for match in pattern.finditer(text))
    said = list(numbers(text))
    yield from _cards(text, said)
    yield from _phones(text, said, code)


def _emails(text: str) -> Iterator[Span]:
    for pattern in (PLAIN_EMAIL, EMAIL):
        yield from (Span("EMAIL", *match.span()) for match in pattern.finditer(text))


def _births(text: str) -> Iterator[Span]:
    for match in dates.DATE.finditer(text):
        if _told(BIRTH_CUE, text, match.start()):
            yield Span("DATE_OF_BIRTH", *match.span())


def _ibans(text: str) -> Iterator[Span]:
    for match in IBAN.finditer(text):
        whole = match[0]
        while len(whole) > 14:
            if iban.is_valid(whole):
                yield Span("IBAN", match.start(), match.start() + len(whole))
                break
            whole = whole[: max(whole.rfind(" "), whole.rfind("-"), 0)]


def _national(text: str) -> Iterator[Span]:
    for pattern, is_valid in NATIONAL:
        yield from (Span("NATIONAL_ID", *match.span()) for match in pattern.finditer(text) if is_valid(match[0]))
    for match in SSN.finditer(text):
        if "-" in match[0] or SSN_CUE.search(text, max(0, match.start() - BEFORE), match.start()):
            yield Span("SSN", *match.span())


def _hosts(text: str) -> Iterator[Span]:
    for match in IP.finditer(text):
        try:
            ipaddress.ip_address(match[0])
        except ValueError:
            continue
        yield Span("IP_ADDRESS", *match.span())


def _cards(text: str, said: Sequence[Number]) -> Iterator[Span]:
    for number in said:
        if 13 <= len(number.digits) <= 19 and number.digits.isdigit() and luhn.is_valid(number.digits):
            yield Span("CREDIT_CARD", number.start, number.end)
        elif _told(SSN_CUE, text, number.start) and len(number.digits) == 9:
            yield Span("SSN", number.start, number.end)
        elif _told(ACCOUNT_CUE, text, number.start):
            yield Span("ACCOUNT", number.start, number.end)
        elif _told(CARD_CUE, text, number.start) and len(number.digits) >= 12:
            yield Span("CREDIT_CARD", number.start, number.end)


def _phones(text: str, said: Sequence[Number], code: str | None) -> Iterator[Span]:
    for match in WRITTEN_PHONE.finditer(text):
        digits = sum(char.isdigit() for char in match[0])
        if (
            7 <= digits <= 15
            and not DATE.search(match[0])
            and _is_phone(match[0], code, _told(PHONE_CUE, text, match.start()))
        ):
            yield Span("PHONE", match.start(), match.end())
    for number in said:
        if number.spoken >= 4 and 7 <= len(number.digits.lstrip("+")) <= 15:
            yield Span("PHONE", number.start, number.end)


def _is_phone(written: str, code: str | None, told: bool) -> bool:
    if told or PHONE_SHAPE.fullmatch(written):
        return True
    regions = (None,) if written.startswith("+") else REGIONS.get(code or "", ALL_REGIONS)
    return any(_is_number_of(region, written) for region in regions)


@lru_cache(maxsize=4096)
def _is_number_of(region: str | None, written: str) -> bool:
    try:
        parsed = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return False
    known = phonenumbers.is_possible_number if region is None else phonenumbers.is_valid_number
    return bool(known(parsed))


def _told(cue: regex.Pattern[str], text: str, start: int) -> bool:
    return cue.search(text, max(0, start - BEFORE), start) is not None
