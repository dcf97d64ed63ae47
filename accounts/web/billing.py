"""What the billing page leads to: Stripe's own pages, and the way back. And the door that Stripe knocks on.

No card number passes through here. The page itself, with the statement, is drawn where transcripts are known."""

import logging
from typing import TYPE_CHECKING, cast

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.validators import RegexValidator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from accounts import stripe_gateway
from accounts.models import PaymentOrder
from accounts.services import checkout, ledger, payments, stripe_events
from accounts.stripe_gateway import NoSuchObject, NotStripe
from stt_site.lib.errors import ErrorCode, ServiceError

if TYPE_CHECKING:
    from accounts.models import User

logger = logging.getLogger(__name__)


class BuyForm(forms.Form):
    """`order` names the purchase that this form begins, so that a form sent twice begins one."""

    price = forms.CharField(max_length=255, validators=[RegexValidator(r"^[\w.:-]+\Z")])
    order = forms.CharField(validators=[RegexValidator(rf"^[0-9A-Za-z]{{{checkout.KEY_LENGTH}}}\Z")])


@login_required
@require_POST
def buy(request: HttpRequest) -> HttpResponse:
    form = BuyForm(request.POST)
    if not form.is_valid():
        message = "The form came incomplete. Nothing was charged; open the billing page again."
        raise ServiceError(ErrorCode.INVALID_REQUEST, message)
    return redirect(checkout.begin(_user(request), form.cleaned_data["price"], form.cleaned_data["order"]))


@login_required
@require_POST
def portal(request: HttpRequest) -> HttpResponse:
    return redirect(checkout.portal_url(_user(request), f"{settings.SITE_URL}/billing/"))


@login_required
@never_cache
@require_safe
def order(request: HttpRequest, key: str) -> HttpResponse:
    """Where Stripe sends who has paid. Its message may be on the way still, so it is asked."""
    found = _own(request, key)
    if found.state == PaymentOrder.State.OPEN:
        _ask_stripe(found)
        found.refresh_from_db()
    context = {"order": found, "minutes_mc": found.amount_mc, "balance": ledger.balance(_user(request))}
    return render(request, "billing/order.html", context)


@login_required
@never_cache
@require_safe
def order_state(request: HttpRequest, key: str) -> HttpResponse:
    """What we know by now, for the page that waits. Stripe is not asked: its message comes by itself."""
    return JsonResponse({"state": _own(request, key).state})


@csrf_exempt
@require_POST
def webhook(request: HttpRequest) -> HttpResponse:
    """Only the signature is looked at here, and only over the bytes as they came."""
    if not (stripe_gateway.enabled() and settings.STRIPE_WEBHOOK_SECRET):
        return JsonResponse({"error": "This server takes no payments."}, status=404)
    try:
        event = stripe_gateway.signed_event(request.body, request.headers.get("Stripe-Signature", ""))
    except NotStripe as reason:
        logger.warning("A message to the Stripe webhook is refused: %s", reason)
        return JsonResponse({"error": "Not signed by Stripe for this server. Nothing was changed."}, status=400)
    return JsonResponse({"received": True, "new": stripe_events.store(event)})


def _ask_stripe(found: PaymentOrder) -> None:
    if not found.session_id:
        return
    try:
        payments.apply_session(found.session_id)
    except (payments.Misfit, payments.NotOurs, NoSuchObject) as error:
        logger.error("Order %s cannot be applied: %s", found.key, error)
    except ServiceError as error:
        # The page says that it waits, and so it does: for the message.
        logger.warning("Order %s: %s", found.key, error)


def _own(request: HttpRequest, key: str) -> PaymentOrder:
    found = PaymentOrder.objects.filter(key=key, owner_id=_user(request).pk).first()
    if found is None:
        raise ServiceError(ErrorCode.NOT_FOUND)
    return found


def _user(request: HttpRequest) -> "User":
    return cast("User", request.user)
