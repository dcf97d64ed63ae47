"""Template tags that every page has without loading them."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from django import template
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from accounts.services import ledger, offers
from stt_site.lib import tokens
from transcripts.web.languages import english_name
from transcripts.web.operations import Operations, operations
from transcripts.web.present import pattern
from transcripts.web.prose import coded, prose

if TYPE_CHECKING:
    from accounts.models import PaymentOrder
    from transcripts.models import Transcript

register = template.Library()


@cache
def _symbols() -> dict[str, str]:
    sprite = (settings.BASE_DIR / "templates" / "icons.svg").read_text()
    return dict(re.findall(r'<symbol id="i-([a-z]+)"[^>]*>(.*?)</symbol>', sprite))


@register.simple_tag
def icon(name: str, style: str = "") -> SafeString:
    """An inline drawing: no request, no flash. `style` is "s" (small), "fill" or both."""
    classes = "".join(f" icon--{part}" for part in style.split())
    drawing = mark_safe(_symbols()[name])  # noqa: S308 - our own file
    return format_html('<svg class="icon{}" viewBox="0 0 24 24" aria-hidden="true">{}</svg>', classes, drawing)


@register.simple_tag
def island(name: str) -> SafeString:
    """The attribute that static/js/app.js follows to the module which brings an element to life."""
    return format_html('data-island="{}"', staticfiles_storage.url(f"js/islands/{name}.js"))


@register.filter
def clock(seconds: float | None) -> str:
    """0:12 under an hour, else 1:02:03."""
    whole = int(seconds or 0)
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def length(milliseconds: int | None) -> str:
    """A duration in words: 38 s, 42 min, 1:12:40."""
    if milliseconds is None:
        return ""
    seconds = round(milliseconds / 1000)
    if seconds < 60:
        return f"{seconds} s"
    return f"{round(seconds / 60)} min" if seconds < 3600 else str(clock(seconds))


@register.filter
def span(transcript: "Transcript") -> str:
    """How long a recording is: what decoding found, before that what the file claims."""
    return str(length(transcript.duration_ms or transcript.media.duration_ms or transcript.media.declared_ms))


@register.filter
def is_open(state: str) -> bool:
    return state in ("pending", "processing")


@register.filter
def pending(playback: str) -> bool:
    return playback == "pending"


@register.filter
def language(code: str) -> str:
    return english_name(code)


@register.filter
def ago(moment: datetime) -> str:
    age = timezone.now() - moment
    if age < timedelta(minutes=1):
        return "now"
    if age < timedelta(hours=1):
        return f"{age.seconds // 60} min ago"
    if age < timedelta(days=1):
        return f"{age.seconds // 3600} h ago"
    if age < timedelta(days=2):
        return "yesterday"
    return date_format(moment, "j M" if moment.year == timezone.now().year else "j M Y")


@register.filter
def until(moment: datetime) -> str:
    left = moment - timezone.now()
    if left < timedelta(minutes=1):
        return "in a moment"
    if left < timedelta(hours=1):
        return f"in {left.seconds // 60} min"
    return f"in {round(left / timedelta(hours=1))} h"


@register.filter
def redacted(text: str) -> str:
    """Without the API key that somebody put in an address."""
    return tokens.redacted(text)


@register.filter
def megabytes(size: int) -> str:
    return f"{size / 1e9:.3g} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


@register.filter
def marked(text: str, query: str) -> SafeString:
    """The text with `<mark>` around whatever was searched for."""
    if not query:
        return format_html("{}", text)
    pieces, at = [], 0
    for hit in pattern(query).finditer(text):
        pieces += [format_html("{}<mark>{}</mark>", text[at : hit.start()], hit[0])]
        at = hit.end()
    return format_html("{}{}", SafeString("".join(pieces)), text[at:])


register.filter("prose", prose)
register.filter("coded", coded)


@register.filter
def at(found: Mapping[float, str], key: float) -> str:
    return found.get(key, "")


@register.filter
def minutes(millicredits: int) -> int:
    """Whole minutes that an amount of millicredits still buys."""
    return millicredits // 1000


@register.filter
def minutes_up(millicredits: int) -> int:
    """Whole minutes that an amount of millicredits stands for, a begun one counted."""
    return -(-millicredits // 1000)


@register.filter
def charged(millicredits: int) -> str:
    """A charge in minutes: 1, 12.5."""
    return ledger.credits_text(millicredits)


@register.filter
def signed(millicredits: int, plus: str = "+") -> str:
    """What came or went, in minutes: +600, −5, 0."""
    sign = "−" if millicredits < 0 else plus if millicredits else ""
    return sign + ledger.credits_text(abs(millicredits))


@register.filter
def paid(order: "PaymentOrder") -> str:
    return offers.money(order.amount_minor, order.currency)


@register.filter
def hour_takes(speed: float) -> str:
    """How long an hour of sound takes at so many times its own speed."""
    seconds = 3600 / speed
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: Any) -> str:
    """The present query string with some values changed."""
    parameters = context["request"].GET.copy()
    for name, value in changes.items():
        parameters[name] = value
    return f"?{parameters.urlencode()}"


@register.simple_tag(takes_context=True, name="operations")
def operations_now(context: dict[str, Any]) -> Operations:
    """For the administration's front page."""
    return operations(context["request"].user)


@register.filter
def with_code(text: str) -> SafeString:
    """What stands in backticks as code."""
    return _marked(re.split(r"`([^`]+)`", text), "<code>{}</code>")


@register.filter
def example(command: str, address: str) -> SafeString:
    """A command of the reference for this server, its quoted parts in the colour of strings."""
    whole = command.replace("{base}", address.rstrip("/"))
    return _marked(re.split(r"(\"[^\"]*\"|'[^']*')", whole), '<span class="s">{}</span>')


@register.filter
def breakable(name: str) -> SafeString:
    """A name or address that may go on in the next line behind a dot, slash or underscore."""
    return format_html_join(mark_safe("<wbr>"), "{}", ((part,) for part in re.findall(r"[^._/]*[._/]*", name) if part))


def _marked(parts: list[str], tag: str) -> SafeString:
    """Every second part in the tag."""
    return format_html_join(
        "", "{}", ((format_html(tag, part) if odd % 2 else part,) for odd, part in enumerate(parts))
    )
