"""The owner's side of links: make one, look at it as others will, copy it, revoke it."""

from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import selectors
from transcripts.services import shares
from transcripts.web.share import shown

if TYPE_CHECKING:
    from transcripts.models import Share, Transcript

LASTING = [("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("", "Until I revoke it")]


class ShareForm(forms.Form):
    text = forms.BooleanField(required=False)
    audio = forms.BooleanField(required=False)
    downloads = forms.BooleanField(required=False)
    days = forms.TypedChoiceField(required=False, choices=LASTING, coerce=int, empty_value=None)
    password = forms.CharField(required=False, strip=False, max_length=1024)

    def terms(self) -> shares.Terms:
        if not self.is_valid():
            raise ServiceError(ErrorCode.INVALID_REQUEST, "Choose how long the link lasts. Nothing was shared.")
        return shares.Terms(**self.cleaned_data)


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, transcript: "Transcript") -> HttpResponse:
    if selectors.status_of(transcript.job) != "completed":
        raise ServiceError(ErrorCode.NOT_READY, "The transcript is not ready yet. It can be shared when it is.")
    if request.method != "POST":
        return _page(request, transcript)
    try:
        made = shares.create(transcript, ShareForm(request.POST).terms())
    except ServiceError as error:
        return _page(request, transcript, error)
    return redirect(f"{request.path}?made={made.key}")


def _page(request: HttpRequest, transcript: "Transcript", error: ServiceError | None = None) -> HttpResponse:
    moment = _moment(request.GET.get("t", ""))
    context = {
        "transcript": transcript,
        "links": [_link(request, share, moment) for share in selectors.shares_of(transcript)],
        "made": request.GET.get("made", ""),
        "moment": moment,
        "lasting": LASTING,
        "chosen": request.POST if error else {"text": "on", "audio": "on", "days": str(shares.DEFAULT_DAYS)},
        "error": error,
    }
    return render(request, "share/manage.html", context, status=error.status if error else 200)


def _link(request: HttpRequest, share: "Share", moment: float | None) -> dict[str, object]:
    address = request.build_absolute_uri(reverse("share", kwargs={"token": shares.token_of(share)}))
    return {
        "share": share,
        "url": address if moment is None else f"{address}#t={moment:g}",
        "over": share.expires_at is not None and share.expires_at <= timezone.now(),
    }


def _moment(text: str) -> float | None:
    """Seconds, of `t` in the address; None for what is no time."""
    digits = text.replace(".", "", 1)
    return round(float(text), 2) if digits.isascii() and digits.isdigit() and len(digits) < 9 else None


@require_safe
def preview(request: HttpRequest, transcript: "Transcript") -> HttpResponse:
    """The very page that a link with these terms would show."""
    return shown(request, transcript, ShareForm(request.GET).terms(), base="../../")


@require_POST
def revoke(request: HttpRequest, transcript: "Transcript", key: str) -> HttpResponse:
    if shares.revoke(transcript, key):
        messages.success(request, "The link is revoked. Whoever has it sees nothing any more.")
    return redirect("sharing", slug=transcript.slug)
