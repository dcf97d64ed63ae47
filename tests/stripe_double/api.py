"""The requests that this Stripe understands. One that it does not know, or a parameter, is refused as Stripe would."""

import copy
import re
from collections.abc import Callable
from typing import Any

from tests.stripe_double.world import Object, Refusal, World, public

Handler = Callable[..., Object]
ROUTES: list[tuple[str, re.Pattern[str], frozenset[str], Handler]] = []
MOST = 100


def route(method: str, path: str, *parameters: str) -> Callable[[Handler], Handler]:
    pattern = re.compile("^/v1/" + path.replace("ID", r"([\w]+)") + "$")

    def register(handler: Handler) -> Handler:
        ROUTES.append((method, pattern, frozenset(parameters) | {"expand"}, handler))
        return handler

    return register


def answer(world: World, method: str, path: str, parameters: Object) -> Object:
    """Raises Refusal."""
    for wanted, pattern, known, handler in ROUTES:
        match = pattern.match(path)
        if wanted == method and match:
            if unknown := set(parameters) - known:
                name = min(unknown)
                raise Refusal(400, "invalid_request_error", f"unknown parameter: {name}", "parameter_unknown", name)
            found = handler(world, *match.groups(), **{k: v for k, v in parameters.items() if k != "expand"})
            return _expanded(world, found, parameters.get("expand", []))
    raise Refusal(404, "invalid_request_error", f"Unrecognized request URL ({method}: {path}).")


def _expanded(world: World, found: Object, paths: list[str]) -> Object:
    shown = copy.deepcopy(public(found))
    for path in paths:
        head, _, rest = path.partition(".")
        if head == "data":
            shown["data"] = [
                _expanded(world, world.objects[each["id"]], [rest]) | _also(each) for each in shown["data"]
            ]
        elif f"_{head}" in found:
            shown[head] = copy.deepcopy(found[f"_{head}"])
        elif isinstance(shown.get(head), str):
            shown[head] = copy.deepcopy(public(world.objects[shown[head]]))
    return shown


def _also(shown: Object) -> Object:
    """What an earlier path has expanded."""
    return {name: value for name, value in shown.items() if isinstance(value, dict)}


def _page(rows: list[Object], limit: str = "10", starting_after: str = "") -> Object:
    ids = [row["id"] for row in rows]
    begin = ids.index(starting_after) + 1 if starting_after else 0
    end = begin + min(int(limit), MOST)
    return {"object": "list", "url": "", "has_more": end < len(rows), "data": [public(row) for row in rows[begin:end]]}


@route("POST", "customers", "email", "metadata")
def create_customer(world: World, **fields: Any) -> Object:
    return world.make("cus", "customer", **fields)


@route("GET", "prices", "active", "limit", "starting_after")
def list_prices(world: World, active: str = "", **page: str) -> Object:
    found = [each for each in world.all("price") if each["active"] or active != "true"]
    return _page(found, **page)


@route("GET", "prices/ID")
def price(world: World, name: str) -> Object:
    return world.get("price", name)


@route(
    "POST",
    "checkout/sessions",
    "mode",
    "customer",
    "client_reference_id",
    "line_items",
    "metadata",
    "success_url",
    "cancel_url",
    "payment_intent_data",
    "invoice_creation",
    "subscription_data",
)
def create_session(world: World, **asked: Any) -> Object:
    world.get("customer", asked["customer"], "customer")
    items = [(world.get("price", each["price"], "line_items[0][price]"), each) for each in asked["line_items"]]
    recurring = asked["mode"] == "subscription"
    for found, _ in items:
        if bool(found["recurring"]) != recurring:
            raise Refusal(400, "invalid_request_error", f"{found['id']} does not go with mode {asked['mode']}")
    session = world.make(
        "cs_test",
        "checkout.session",
        mode=asked["mode"],
        status="open",
        payment_status="unpaid",
        customer=asked["customer"],
        client_reference_id=asked["client_reference_id"],
        metadata=asked["metadata"],
        amount_total=sum(found["unit_amount"] * int(each["quantity"]) for found, each in items),
        currency=items[0][0]["currency"],
        payment_intent=None,
        invoice=None,
        subscription=None,
        success_url=asked["success_url"],
        cancel_url=asked["cancel_url"],
    )
    lines = [{"price": found["id"], "quantity": int(each["quantity"])} for found, each in items]
    return session_with(session, world, lines, asked)


def session_with(session: Object, world: World, lines: list[Object], asked: Object) -> Object:
    session["url"] = f"{world.address}/pay/{session['id']}"
    session["_line_items"] = {"data": lines}
    session["_intent_metadata"] = asked.get("payment_intent_data", {}).get("metadata", {})
    session["_subscription_metadata"] = asked.get("subscription_data", {}).get("metadata", {})
    return session


@route("GET", "checkout/sessions", "payment_intent", "limit")
def list_sessions(world: World, payment_intent: str, **page: str) -> Object:
    found = [each for each in world.all("checkout.session") if each["payment_intent"] == payment_intent]
    return _page(found, **page)


@route("GET", "checkout/sessions/ID")
def session(world: World, name: str) -> Object:
    return world.get("checkout.session", name)


@route("POST", "billing_portal/sessions", "customer", "return_url")
def create_portal(world: World, customer: str, return_url: str) -> Object:
    world.get("customer", customer, "customer")
    made = world.make("bps", "billing_portal.session", customer=customer, return_url=return_url)
    return made | {"url": f"{world.address}/portal/{made['id']}"}


@route("GET", "payment_intents/ID")
def payment_intent(world: World, name: str) -> Object:
    return world.get("payment_intent", name)


@route("GET", "refunds", "charge", "limit")
def list_refunds(world: World, charge: str, **page: str) -> Object:
    return _page([each for each in world.all("refund") if each["charge"] == charge], **page)


@route("GET", "refunds/ID")
def refund(world: World, name: str) -> Object:
    return world.get("refund", name)


@route("GET", "disputes/ID")
def dispute(world: World, name: str) -> Object:
    return world.get("dispute", name)


@route("GET", "invoices/ID")
def invoice(world: World, name: str) -> Object:
    return world.get("invoice", name)


@route("GET", "invoice_payments", "payment", "limit")
def list_invoice_payments(world: World, payment: Object, **page: str) -> Object:
    return _page([each for each in world.all("invoice_payment") if each["payment"] == payment], **page)


@route("GET", "subscriptions/ID")
def subscription(world: World, name: str) -> Object:
    return world.get("subscription", name)


@route("DELETE", "subscriptions/ID")
def cancel_subscription(world: World, name: str) -> Object:
    found = world.get("subscription", name)
    found["status"] = "canceled"
    world.tell("customer.subscription.deleted", found)
    return found


@route("GET", "events", "created", "types", "limit", "starting_after")
def list_events(world: World, created: Object, types: list[str], **page: str) -> Object:
    since = int(created["gte"])
    return _page([each for each in world.all("event") if each["created"] >= since and each["type"] in types], **page)
