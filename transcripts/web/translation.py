"""A transcript beside itself in another language, turn by turn."""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.visit import visit_of
from stt_site.lib.errors import ServiceError
from transcripts.services import insights
from transcripts.services.insights import translating
from transcripts.web.access import caller_of
from transcripts.web.languages import choices
from transcripts.web.present import RTL

if TYPE_CHECKING:
    from transcripts.models import Transcript


def context(request: HttpRequest, transcript: "Transcript") -> dict[str, Any]:
    """`others` holds the translated texts by when their turns begin."""
    target = request.GET.get("translation", "")
    made = insights.cached(transcript, "translation", target) if target else None
    there = {each.variant for each in insights.all_cached(transcript) if each.kind == "translation"}
    translator = _translator()
    return {
        "translation": made,
        "others": {turn["start"]: turn["text"] for turn in made.value["turns"]} if made else {},
        "other_rtl": target in RTL,
        "translator": translator,
        "languages": choices() if translator else [],
        "translated": sorted(there - {target}),
        "no_translator": "" if translator else str(translating.missing()),
    }


def _translator() -> str | None:
    try:
        return translating.who()
    except ServiceError:  # Nobody can tell just now.
        return None


@require_POST
def translate(request: HttpRequest, transcript: "Transcript") -> HttpResponse:
    address = reverse("document", kwargs={"slug": transcript.slug})
    try:
        visit_of(request).enter(caller_of(request), "text")
        made = insights.translate(transcript, request.POST.get("target", ""), force="force" in request.POST)
    except ServiceError as error:
        messages.error(request, error.message)
        return redirect(address)
    return redirect(f"{address}?translation={made.variant}")
