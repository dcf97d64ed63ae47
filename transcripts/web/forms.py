from collections.abc import Mapping
from typing import Any

from django import forms

from engine.types import Options
from transcripts.exports.base import ExportOptions


class ListForm(forms.Form):
    """The state of the list lives in the address; a value that is not known counts as not given."""

    SORTS = {"": "Newest first", "title": "Name", "length": "Longest first"}
    STATUSES = {"": "All", "working": "In progress", "ready": "Ready", "failed": "Needs a look"}

    DATES = {"": "Any date", "1": "Today", "7": "Last 7 days", "30": "Last 30 days", "365": "Last 12 months"}
    SOURCES = {"": "Any source", "web": "Sent here", "api": "By the API", "live": "Live captions"}

    WAYS = {"": "By words", "meaning": "By meaning"}

    q = forms.CharField(required=False, max_length=200)
    by = forms.ChoiceField(required=False, choices=WAYS.items())
    status = forms.ChoiceField(required=False, choices=STATUSES.items())
    language = forms.CharField(required=False, max_length=8)
    speaker = forms.CharField(required=False, max_length=100)
    tag = forms.CharField(required=False, max_length=50)
    date = forms.ChoiceField(required=False, choices=DATES.items())
    source = forms.ChoiceField(required=False, choices=SOURCES.items())
    sort = forms.ChoiceField(required=False, choices=SORTS.items())

    def values(self) -> dict[str, str]:
        self.is_valid()
        return {name: str(self.cleaned_data.get(name, "")).strip() for name in self.fields}


class TitleForm(forms.Form):
    title = forms.CharField(max_length=200)


class ExportForm(forms.Form):
    speakers = forms.BooleanField(required=False)
    timestamps = forms.BooleanField(required=False)
    disclosure = forms.BooleanField(required=False)
    word_times = forms.BooleanField(required=False)
    rtl_marks = forms.BooleanField(required=False)
    profile = forms.ChoiceField(required=False, choices=[("standard", ""), ("bbc", "")])


def export_options(query: Mapping[str, Any]) -> ExportOptions:
    """A bare link means the defaults; a form that was sent says with `chosen` that an absent box is a no."""
    form = ExportForm(query)
    form.is_valid()
    if not query.get("chosen"):
        return ExportOptions()
    chosen = form.cleaned_data
    return ExportOptions(
        disclosure=None if chosen["disclosure"] else False,  # None: as the format is used to
        speakers=chosen["speakers"],
        timestamps=chosen["timestamps"],
        profile="bbc" if chosen.get("profile") == "bbc" else "standard",
        word_times=chosen["word_times"],
        rtl_marks=chosen["rtl_marks"],
    )


SPEAKER_COUNTS = tuple(str(count) for count in range(1, 11))


def transcribe_options(fields: Mapping[str, list[str]]) -> Options:
    """Of the form on /new/ and on the landing page. An empty choice leaves it to the server."""

    def one(name: str) -> str | None:
        return next((value.strip() for value in fields.get(name, []) if value.strip()), None)

    wanted = one("speakers") or "auto"
    count = int(wanted) if wanted in SPEAKER_COUNTS else None
    return Options(model=one("model"), language=one("language"), diarize=wanted != "off", speakers=count)
