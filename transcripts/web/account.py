"""Taking one's data away, and leaving. Here and not with the accounts, which know nothing of transcripts."""

from collections.abc import Callable

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from stt_site.lib.errors import ServiceError
from stt_site.lib.streaming import as_made, attachment
from transcripts.services import archive as archives
from transcripts.services import erase as erasing
from transcripts.web.access import View, signed_in

proven: Callable[[View], View] = reauthentication_required
"""Asks for the password or a code, unless it did so a few minutes ago."""


class EraseForm(forms.Form):
    email = forms.CharField(max_length=254)
    password = forms.CharField(max_length=1024, strip=False)

    def __init__(self, user: User, data: QueryDict | None) -> None:
        super().__init__(data)
        self._user = user

    def clean_email(self) -> str:
        if self.cleaned_data["email"].strip().lower() != self._user.email:
            raise forms.ValidationError("That is not the address of this account. Nothing was deleted.")
        return self._user.email

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        if not get_adapter().reauthenticate(self._user, password):
            raise forms.ValidationError("That is not your password. Nothing was deleted.")
        return password


@login_required
@proven
@require_safe
def archive(request: HttpRequest) -> HttpResponse:
    return render(request, "account_archive.html", {"holdings": erasing.holdings(signed_in(request))})


@login_required
@proven
@never_cache
@require_safe
def archive_file(request: HttpRequest) -> StreamingHttpResponse:
    blocks = archives.archive(signed_in(request), recordings="recordings" in request.GET)
    name = f"account-{timezone.now():%Y-%m-%d}.zip"
    return StreamingHttpResponse(
        as_made(request, blocks),
        content_type="application/zip",
        headers=attachment(name),
    )


@sensitive_post_parameters("password")
@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    form = EraseForm(user, request.POST if request.method == "POST" else None)
    if form.is_valid():
        address = user.email
        try:
            erasing.begin(user)
        except ServiceError as error:
            form.add_error(None, error.message)
        else:
            get_adapter().send_notification_mail("account/email/account_closed", user, email=address)
            logout(request)
            return render(request, "account_erased.html")
    context = {"form": form, "holdings": erasing.holdings(user)}
    return render(request, "account_erase.html", context, status=400 if form.errors else 200)
