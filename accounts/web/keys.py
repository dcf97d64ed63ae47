"""API keys: to see, make, roll and revoke. A new key's plaintext is in one answer, the one to the form that made it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.validators import RegexValidator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from accounts.models import ApiKey
from accounts.services import api_keys
from accounts.services.key_powers import LARGEST_CAP
from accounts.web.signed_in import user_of
from stt_site.lib.errors import ErrorCode, ServiceError

SCOPES = {
    "transcribe": "Send recordings",
    "read": "Read transcripts and usage",
    "write": "Rename transcripts, change the account",
    "delete": "Delete transcripts",
    "stream": "Live captions, once this server has them",
    "keys:write": "Make and revoke keys",
}
"""Those that open something, in words. The API knows a few more."""
EXPIRIES = {"": "Never", "30": "In 30 days", "90": "In 90 days"}
ENDS_SOON = timedelta(days=7)
USED_LATELY = timedelta(days=1)
HOUR = timedelta(hours=1)
OVERLAPS = {
    "1": "1 hour",
    "24": "24 hours",
    "72": "72 hours",
    "0": "Not at all: it may have been seen by somebody",
}


class KeyForm(forms.Form):
    """`key_id` names the key that this form makes, so that a form sent twice makes one."""

    name = forms.CharField(max_length=100, error_messages={"required": "Give the key a name."})
    scopes = forms.MultipleChoiceField(
        choices=SCOPES.items(), error_messages={"required": "Tick at least one thing that the key may do."}
    )
    expiry = forms.ChoiceField(choices=EXPIRIES.items(), required=False)
    monthly_minutes = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=LARGEST_CAP,
        error_messages={"invalid": "Give whole minutes, or leave it empty."},
    )
    key_id = forms.CharField(validators=[RegexValidator(rf"^[0-9A-Za-z]{{{api_keys.KEY_ID_LENGTH}}}\Z")])


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _create(request)
    return _page(request)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD"])
def new(request: HttpRequest) -> HttpResponse:
    """The form of the dialog, for a browser without scripts."""
    return render(request, "keys/new.html", {"form": _fresh_form(request)})


@sensitive_variables()
def _create(request: HttpRequest) -> HttpResponse:
    user, form = user_of(request), KeyForm(request.POST)
    if "key_id" in form.errors:
        raise ServiceError(ErrorCode.INVALID_REQUEST, "The form came incomplete. No key was made; open it again.")
    if not form.is_valid():
        return render(request, "keys/new.html", {"form": form}, status=400)
    wanted = form.cleaned_data
    if api_keys.keys_of(user).filter(key_id=wanted["key_id"]).exists():
        # A reload, or a step back: the form was sent before.
        messages.warning(request, "That key was made before, and it cannot be shown again. No other was made.")
        return redirect("keys")
    ends = timezone.now() + timedelta(days=int(wanted["expiry"])) if wanted["expiry"] else None
    try:
        made = api_keys.create_key(
            user,
            wanted["name"],
            wanted["scopes"],
            ends,
            monthly_minutes=wanted["monthly_minutes"],
            key_id=wanted["key_id"],
        )
    except ServiceError as error:
        form.add_error(None, error.message)
        return render(request, "keys/new.html", {"form": form}, status=error.status)
    key, plaintext = made
    return _page(request, made=key, plaintext=plaintext)


@sensitive_variables()
def _page(request: HttpRequest, **created: Any) -> HttpResponse:
    every = list(api_keys.keys_of(user_of(request)))
    revoked = [key for key in every if key.revoked_at]
    shown = every if "revoked" in request.GET else [key for key in every if not key.revoked_at]
    now = timezone.now()
    context = {
        "rows": [
            {"key": key, "ends": _ends(key), "soon": _is_near(key), "rollable": _is_rollable(key, now)} for key in shown
        ],
        "revoked": len(revoked),
        "all": "revoked" in request.GET,
        "full": api_keys.active_keys(user_of(request)).count() >= api_keys.MAX_ACTIVE_KEYS,
        "most": api_keys.MAX_ACTIVE_KEYS,
        "form": _fresh_form(request, every),
        "now": now,
    }
    return render(request, "keys/list.html", context | created)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables()
def roll(request: HttpRequest, pk: int) -> HttpResponse:
    key = api_keys.key_of(user_of(request), pk)
    if not _is_rollable(key, timezone.now()):
        # A reload, or a step back: the form was sent before.
        messages.warning(request, f"“{key.name}” has been replaced or has ended. Nothing was changed.")
        return redirect("keys")
    chosen = request.POST.get("overlap", "24")
    if request.method != "POST" or chosen not in OVERLAPS:
        context = {"key": key, "overlaps": OVERLAPS.items(), "chosen": chosen}
        return render(request, "keys/roll.html", context, status=400 if request.method == "POST" else 200)
    made, plaintext = api_keys.roll(key, int(chosen) * HOUR)
    return _page(request, made=made, plaintext=plaintext, rolled=OVERLAPS[chosen] if chosen != "0" else "")


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    key = api_keys.key_of(user_of(request), pk)
    if key.revoked_at:
        return redirect("keys")
    typed = request.POST.get("name")
    if typed is not None and typed.strip() == key.name:
        api_keys.revoke(key)
        messages.success(request, f"“{key.name}” is revoked. Whatever still sends it is refused from now on.")
        return redirect("keys")
    lately = key.last_used_at is not None and timezone.now() - key.last_used_at < USED_LATELY
    context = {"key": key, "lately": lately, "typed": typed or "", "wrong": typed is not None}
    return render(request, "keys/revoke.html", context, status=400 if typed is not None else 200)


def _fresh_form(request: HttpRequest, every: Iterable[ApiKey] | None = None) -> KeyForm:
    taken = {key.name for key in (api_keys.keys_of(user_of(request)) if every is None else every)}
    name, number = "My laptop", 1
    while name in taken:
        number += 1
        name = f"My laptop {number}"
    initial = {"name": name, "scopes": list(api_keys.DEFAULT_SCOPES), "key_id": api_keys.new_key_id()}
    return KeyForm(initial=initial)


def _ends(key: ApiKey) -> str:
    if key.expires_at is None:
        return "never"
    left = key.expires_at - timezone.now()
    if left <= timedelta():
        return "expired"
    if left <= 72 * HOUR:
        return f"in {max(1, round(left / HOUR))} h"
    return f"in {round(left / timedelta(days=1))} days"


def _is_rollable(key: ApiKey, now: datetime) -> bool:
    living = key.revoked_at is None and (key.expires_at is None or key.expires_at > now)
    return living and key.replaced_by_id is None


def _is_near(key: ApiKey) -> bool:
    return key.expires_at is not None and key.expires_at - timezone.now() < ENDS_SOON
