"""The settings of an account: one page, one form a section, each with a message of its own."""

from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.services import profile
from accounts.web.signed_in import user_of
from stt_site.lib.errors import ErrorCode, ServiceError


class NameForm(forms.Form):
    saved = "Your name is saved."
    name = forms.CharField(max_length=150, required=False, strip=True)


class MailForm(forms.Form):
    saved = "Your choice of messages is saved."
    mail_low_credits = forms.BooleanField(required=False)
    mail_transcript_ready = forms.BooleanField(required=False)
    mail_product_updates = forms.BooleanField(required=False)


class RecordingsForm(forms.Form):
    saved = "Saved. Recordings whose time is over go within minutes."
    KEEP = {
        "": "Until I delete them",
        "0": "Only until they are transcribed",
        "1": "1 day",
        "7": "7 days",
        "30": "30 days",
        "365": "1 year",
    }
    keep_recordings_days = forms.TypedChoiceField(choices=KEEP.items(), coerce=int, required=False, empty_value=None)


SECTIONS: dict[str, type[NameForm | MailForm | RecordingsForm]] = {
    "name": NameForm,
    "mail": MailForm,
    "recordings": RecordingsForm,
}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    sections = {name: form(initial=_now(user, form)) for name, form in SECTIONS.items()}
    if request.method == "POST":
        chosen = request.POST.get("section", "")
        if chosen not in SECTIONS:
            raise ServiceError(ErrorCode.INVALID_REQUEST, "The form came incomplete. Nothing was saved; open it again.")
        sections[chosen] = form = SECTIONS[chosen](request.POST)
        if form.is_valid():
            profile.change(user, **form.cleaned_data)
            messages.success(request, form.saved)
            return redirect("account")
    context = {
        "sections": sections,
        "second_factor": is_mfa_enabled(user),
        "sessions": UserSession.objects.filter(user=user).count(),
    }
    wrong = any(form.errors for form in sections.values())
    return render(request, "account.html", context, status=400 if wrong else 200)


def _now(user: User, form: type[forms.Form]) -> dict[str, Any]:
    return {name: getattr(user, name) for name in form.base_fields}
