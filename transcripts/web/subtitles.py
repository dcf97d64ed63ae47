"""The captions of a transcript: how fast they read, when they come and go."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import selectors
from transcripts.exports.captions import Cue, Report, measure, report
from transcripts.services import subtitles
from transcripts.services.editing import history
from transcripts.web.access import signed_in
from transcripts.web.errors import wants_json
from transcripts.web.present import RTL

if TYPE_CHECKING:
    from transcripts.exports.caption_layout import ProfileName
    from transcripts.models import Transcript

PROFILES = {"standard": "Standard rules", "bbc": "BBC rules"}
TIME = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):(\d{2})(?:[.,](\d{1,3}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Row:
    """A caption as the page shows it. `speed` is whole; `wide` says how wide the widest line is, of how much."""

    number: int
    cue: Cue
    speed: int
    unit: str
    wide: str
    is_fast: bool
    is_short: bool
    is_wide: bool

    @property
    def start(self) -> str:
        return timecode(self.cue.start)

    @property
    def end(self) -> str:
        return timecode(self.cue.end)

    @property
    def seconds(self) -> str:
        return f"{(self.cue.end - self.cue.start) / 1000:.1f} s"

    @property
    def begin(self) -> float:
        return self.cue.start / 1000

    @property
    def stop(self) -> float:
        return self.cue.end / 1000

    @property
    def language(self) -> str:
        return self.cue.units[0].language


def timecode(ms: int) -> str:
    """0:12.400, from one hour on 1:02:03.400."""
    seconds, rest = divmod(ms, 1000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    clock = f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
    return f"{clock}.{rest:03}"


def milliseconds(text: str) -> int:
    match = TIME.fullmatch(text.strip())
    if match is None:
        raise forms.ValidationError(f"“{text[:20]}” is no time. Write minutes:seconds, as in 1:04.250.")
    hours, minutes, seconds, rest = match.groups()
    return ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int((rest or "0").ljust(3, "0"))


class TimesForm(forms.Form):
    start = forms.CharField(max_length=20)
    end = forms.CharField(max_length=20)

    def clean_start(self) -> int:
        return milliseconds(self.cleaned_data["start"])

    def clean_end(self) -> int:
        return milliseconds(self.cleaned_data["end"])


def profile_of(request: HttpRequest) -> "ProfileName":
    return "bbc" if request.GET.get("profile") == "bbc" else "standard"


def rows(shown: Sequence[Cue], told: Report, profile: "ProfileName") -> list[Row]:
    fast, short = set(told.fast), set(told.short)
    found = []
    for number, cue in enumerate(shown, start=1):
        how = measure(cue, profile)
        found.append(
            Row(
                number=number,
                cue=cue,
                speed=round(how.speed),
                unit="cps" if how.unit == "characters a second" else "wpm",
                wide=f"{how.widest:g}/{how.line}",
                is_fast=number in fast,
                is_short=number in short,
                is_wide=how.widest > how.line,
            )
        )
    return found


@require_safe
@gzip_page
def page(request: HttpRequest, transcript: "Transcript") -> HttpResponse:
    demand_ready(transcript)
    profile = profile_of(request)
    shown = subtitles.cues(transcript, profile)
    told = report(shown, profile)
    every = rows(shown, told, profile)
    show = request.GET.get("show", "")
    chosen = {"fast": told.fast, "short": told.short}.get(show)
    context = {
        "transcript": transcript,
        "rows": every if chosen is None else [every[number - 1] for number in chosen],
        "total": len(every),
        "told": told,
        "show": show if chosen is not None else "",
        "profile": profile,
        "profiles": PROFILES.items(),
        "limit": limit_of(shown, profile),
        "can_undo": subtitles.can_undo(transcript),
        "duration": (transcript.duration_ms or 0) / 1000,
        "rtl": transcript.language in RTL,
    }
    return render(request, "subtitles/page.html", context)


@require_safe
def pace(request: HttpRequest, transcript: "Transcript") -> HttpResponse:
    """For the dialog of exports: how many captions are fast, with the way to them."""
    demand_ready(transcript)
    profile = profile_of(request)
    shown = subtitles.cues(transcript, profile)
    context = {
        "transcript": transcript,
        "total": len(shown),
        "told": report(shown, profile),
        "limit": limit_of(shown, profile),
        "profile": profile,
    }
    return render(request, "subtitles/_pace.html", context)


def demand_ready(transcript: "Transcript") -> None:
    if selectors.status_of(transcript.job) != "completed":
        raise ServiceError(ErrorCode.NOT_READY, "The transcript is not ready yet. Its page shows when it is.")


def limit_of(shown: Sequence[Cue], profile: "ProfileName") -> str:
    """What a caption counts as fast above, in words."""
    if not shown:
        return ""
    how = measure(shown[0], profile)
    return f"{how.most} {how.unit}"


@require_http_methods(["GET", "HEAD", "POST"])
def times(request: HttpRequest, transcript: "Transcript", number: int) -> HttpResponse:
    """The form with a caption's two times, and what it is sent to. A script is told which rows are new."""
    demand_ready(transcript)
    profile = profile_of(request)
    shown = subtitles.cues(transcript, profile)
    if not 0 < number <= len(shown):
        raise ServiceError(ErrorCode.NOT_FOUND)
    if request.method != "POST":
        return _form(request, transcript, shown, number)
    form = TimesForm(request.POST)
    if not form.is_valid():
        return _form(request, transcript, shown, number, " ".join(str(each[0]) for each in form.errors.values()))
    try:
        start, end = form.cleaned_data["start"], form.cleaned_data["end"]
        mine = _spans(request.POST.getlist("span"), subtitles.spans(transcript, shown, number))
        subtitles.retime(transcript, signed_in(request), shown[number - 1], mine, start, end, profile)
    except ServiceError as error:
        return _form(request, transcript, shown, number, error.message, error.status)
    if wants_json(request):
        return JsonResponse(_changed(transcript, shown, number, profile))
    return redirect(f"../?profile={profile}#c{number}")


def _spans(given: Sequence[str], now: Sequence[subtitles.Span]) -> Sequence[subtitles.Span]:
    """Where the words stood when the form was written; a caption that was cut anew since is a conflict."""
    if list(given) != [str(span) for span in now]:
        message = "This caption was changed elsewhere in the meantime. Nothing was overwritten: look at it again."
        raise ServiceError(ErrorCode.CONFLICT, message)
    return now


def _form(
    request: HttpRequest,
    transcript: "Transcript",
    shown: Sequence[Cue],
    number: int,
    problem: str = "",
    status: int = 400,
) -> HttpResponse:
    profile = profile_of(request)
    (row,) = rows(shown, report(shown, profile), profile)[number - 1 : number]
    context = {
        "transcript": transcript,
        "profile": profile,
        "row": row,
        "before": shown[number - 2] if number > 1 else None,
        "behind": shown[number] if number < len(shown) else None,
        "spans": [str(span) for span in subtitles.spans(transcript, shown, number)],
        "start": request.POST.get("start", row.start),
        "end": request.POST.get("end", row.end),
        "problem": problem,
    }
    return render(request, "subtitles/times.html", context, status=status if problem else 200)


def _changed(transcript: "Transcript", before: Sequence[Cue], number: int, profile: "ProfileName") -> dict[str, Any]:
    """{"rows": {number: html}}; null where the captions were cut anew, so that their numbers changed."""
    shown = subtitles.cues(transcript, profile)
    every = rows(shown, report(shown, profile), profile)
    if len(shown) != len(before):
        return {"rows": None}
    fresh = [row for row, old in zip(every, before, strict=True) if row.cue != old or row.number == number]
    return {"rows": {row.number: render_to_string("subtitles/_row.html", {"row": row}) for row in fresh}}


@require_POST
def undo(request: HttpRequest, transcript: "Transcript") -> HttpResponse:
    try:
        history.undo(transcript, signed_in(request))
        messages.success(request, "The last change of this transcript is undone.")
    except ServiceError as error:
        messages.error(request, error.message)
    return redirect(f"../?profile={profile_of(request)}")
