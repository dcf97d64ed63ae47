"""The pages of webhooks: addresses that hear of transcripts, what was sent to them, and sending it again."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import selectors
from transcripts.models import WebhookDelivery, WebhookEndpoint
from transcripts.services import webhooks
from transcripts.web.access import signed_in

SHOWN = 20
LONGEST_SHOWN = 20_000
EVENT_WORDS = [(webhooks.COMPLETED, "A transcript is ready"), (webhooks.FAILED, "A transcription failed")]
OFF_WORDS = {
    WebhookEndpoint.Off.OWNER: "You switched it off.",
    WebhookEndpoint.Off.GONE: "It answered 410, which means that it is gone for good.",
    WebhookEndpoint.Off.FAILING: "It took no message for five days.",
}


class EndpointForm(forms.Form):
    url = forms.CharField(max_length=2048, error_messages={"required": "Give the address that is to be called."})
    events = forms.MultipleChoiceField(
        choices=EVENT_WORDS, error_messages={"required": "Choose at least one. Nothing was changed."}
    )


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("secret")
def page(request: HttpRequest) -> HttpResponse:
    form = EndpointForm(request.POST if request.method == "POST" else None, initial={"events": webhooks.EVENTS})
    if form.is_valid():
        try:
            endpoint, secret = webhooks.create(signed_in(request), **form.cleaned_data)
        except ServiceError as error:
            form.add_error("url" if error.code == ErrorCode.URL_NOT_ALLOWED else None, error.message)
        else:
            return _one(request, endpoint, secret=secret)
    owner = signed_in(request)
    context = {
        "endpoints": selectors.webhook_endpoints_for(owner),
        "form": form,
        "deliveries": selectors.webhook_deliveries_for(owner)[:SHOWN],
        "most": webhooks.MOST_ENDPOINTS,
        "seconds": round(settings.WEBHOOK_TIMEOUT_SECONDS),
    }
    return render(request, "webhooks/list.html", context, status=400 if form.errors else 200)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, endpoint: str) -> HttpResponse:
    row = selectors.webhook_endpoint_for(signed_in(request), endpoint)
    if request.method != "POST":
        return _one(request, row)
    act = ACTIONS.get(request.POST.get("do", ""))
    if act is None:
        raise ServiceError(ErrorCode.INVALID_REQUEST, "The form came incomplete. Nothing was changed; open it again.")
    return act(request, row)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, endpoint: str) -> HttpResponse:
    row = selectors.webhook_endpoint_for(signed_in(request), endpoint)
    if request.method != "POST":
        return render(request, "webhooks/delete.html", {"endpoint": row})
    webhooks.delete(row)
    messages.success(request, "The webhook is deleted. Nothing is sent to it any more.")
    return redirect("webhooks")


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def message(request: HttpRequest, message: str) -> HttpResponse:
    delivery = selectors.webhook_delivery_for(signed_in(request), message)
    if request.method == "POST":
        try:
            webhooks.resend(delivery)
            messages.success(request, "It is on its way again, with the same id.")
        except ServiceError as error:
            messages.warning(request, error.message)
        return redirect("webhook_message", message)
    context = {"delivery": delivery, "attempts": delivery.history.order_by("-number"), "body": _body(delivery)}
    return render(request, "webhooks/message.html", context)


def _body(delivery: WebhookDelivery) -> str:
    """Set out for reading; a body of a dialect's that is no JSON object is shown as it is."""
    text = bytes(delivery.body or b"").decode()
    try:
        text = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except ValueError:
        pass
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}\n…"


@sensitive_variables("secret")
def _one(request: HttpRequest, endpoint: WebhookEndpoint, **more: Any) -> HttpResponse:
    mine = selectors.webhook_deliveries_for(signed_in(request)).filter(endpoint=endpoint)
    form = more.pop("form", EndpointForm(initial={"url": endpoint.url, "events": endpoint.events}))
    context = {
        "endpoint": endpoint,
        "form": form,
        "why_off": OFF_WORDS.get(WebhookEndpoint.Off(endpoint.off)),
        "deliveries": mine[:SHOWN],
        "seconds": round(settings.WEBHOOK_TIMEOUT_SECONDS),
        "dead": mine.filter(state=WebhookDelivery.State.DEAD).count(),
    }
    return render(request, "webhooks/endpoint.html", context | more, status=400 if form.errors else 200)


def _save(request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    form = EndpointForm(request.POST)
    if form.is_valid():
        try:
            webhooks.change(endpoint, **form.cleaned_data)
        except ServiceError as error:
            form.add_error("url", error.message)
        else:
            messages.success(request, "Saved.")
            return redirect("webhook", endpoint.public_id)
    return _one(request, endpoint, form=form)


def _switch(request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    webhooks.change(endpoint, on=bool(endpoint.off))
    messages.success(request, "It is off: nothing is sent to it." if endpoint.off else "It is on again.")
    return redirect("webhook", endpoint.public_id)


def _test(request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    sent = webhooks.send_test(endpoint)
    messages.success(request, "A test message is on its way. Reload this page to see what was answered.")
    return redirect("webhook_message", sent.public_id)


def _roll(request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    overlap = timedelta(hours=24 if request.POST.get("overlap") == "24" else 0)
    return _one(request, endpoint, secret=webhooks.roll(endpoint, overlap), rolled=True)


def _replay(request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    dead = selectors.webhook_deliveries_for(signed_in(request)).filter(endpoint=endpoint, state="dead")
    number = webhooks.replay(dead)
    messages.success(request, f"{number} message{'' if number == 1 else 's'} on the way again.")
    return redirect("webhook", endpoint.public_id)


ACTIONS: dict[str, Callable[[HttpRequest, WebhookEndpoint], HttpResponse]] = {
    "save": _save,
    "switch": _switch,
    "test": _test,
    "roll": _roll,
    "replay": _replay,
}
