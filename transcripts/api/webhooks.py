"""/api/v1/webhooks/: who is told what became of transcripts, and what was sent."""

from datetime import timedelta
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import selectors
from transcripts.api import webhook_schemas as schemas
from transcripts.api.account import REFUSED, AccountView, read
from transcripts.api.schemas import Error
from transcripts.models import WebhookEndpoint
from transcripts.services import webhooks


class WebhookView(AccountView):
    scopes: ClassVar = dict.fromkeys(("GET", "POST", "PATCH", "DELETE"), "webhooks")

    def endpoint(self, ref: str) -> WebhookEndpoint:
        return selectors.webhook_endpoint_for(self.owner, ref)


class Webhooks(WebhookView):
    @extend_schema(
        operation_id="webhooks",
        summary="Your webhooks",
        responses={200: schemas.Endpoints, 401: Error, 403: Error},
    )
    def get(self, request: Request) -> Response:
        rows = selectors.webhook_endpoints_for(self.owner)
        return Response({"results": [schemas.Endpoint(each).data for each in rows]})

    @extend_schema(
        operation_id="webhook_create",
        summary="Have an address told; the answer shows its secret, once",
        request=schemas.NewEndpoint,
        responses={201: schemas.EndpointWithSecret, 409: Error, **REFUSED},
    )
    def post(self, request: Request) -> Response:
        return _with_secret(*webhooks.create(self.owner, **read(schemas.NewEndpoint, request.data)), status=201)


class Webhook(WebhookView):
    @extend_schema(operation_id="webhook", summary="One webhook", responses={200: schemas.Endpoint, **REFUSED})
    def get(self, request: Request, endpoint: str) -> Response:
        return Response(schemas.Endpoint(self.endpoint(endpoint)).data)

    @extend_schema(
        operation_id="webhook_change",
        summary="Change its address or events, switch it off or on",
        request=schemas.EndpointChange,
        responses={200: schemas.Endpoint, 409: Error, **REFUSED},
    )
    def patch(self, request: Request, endpoint: str) -> Response:
        row = self.endpoint(endpoint)
        wish = read(schemas.EndpointChange, request.data)
        webhooks.change(row, url=wish.get("url"), events=wish.get("events"), on=wish.get("enabled"))
        return Response(schemas.Endpoint(row).data)

    @extend_schema(
        operation_id="webhook_delete", summary="Delete it with its messages", responses={204: None, **REFUSED}
    )
    def delete(self, request: Request, endpoint: str) -> Response:
        webhooks.delete(self.endpoint(endpoint))
        return Response(status=204)


class WebhookRoll(WebhookView):
    @extend_schema(
        operation_id="webhook_roll",
        summary="Give it a new secret",
        description="For `overlap_hours` each message carries two signatures, of the new secret and of the old.",
        request=schemas.RollSecret,
        responses={201: schemas.EndpointWithSecret, **REFUSED},
    )
    def post(self, request: Request, endpoint: str) -> Response:
        row = self.endpoint(endpoint)
        overlap = timedelta(hours=read(schemas.RollSecret, request.data)["overlap_hours"])
        return _with_secret(row, webhooks.roll(row, overlap), status=201)


class WebhookTest(WebhookView):
    @extend_schema(
        operation_id="webhook_test",
        summary="Send it a test message",
        description="Tried once. Ask for the delivery to see what came of it.",
        request=None,
        responses={202: schemas.Delivery, **REFUSED},
    )
    def post(self, request: Request, endpoint: str) -> Response:
        return Response(schemas.Delivery(webhooks.send_test(self.endpoint(endpoint))).data, 202)


class WebhookReplay(WebhookView):
    @extend_schema(
        operation_id="webhook_replay",
        summary="Send its messages again: those given up, or those of a time",
        request=schemas.Replay,
        responses={202: schemas.Replayed, 409: Error, **REFUSED},
    )
    def post(self, request: Request, endpoint: str) -> Response:
        row = self.endpoint(endpoint)
        wish = read(schemas.Replay, request.data)
        if row.off:
            raise ServiceError(ErrorCode.CONFLICT, "This webhook is off. Switch it on, then send its messages again.")
        mine = selectors.webhook_deliveries_for(self.owner).filter(endpoint=row, state=wish["state"])
        if since := wish.get("since"):
            mine = mine.filter(created_at__gte=since)
        if until := wish.get("until"):
            mine = mine.filter(created_at__lt=until)
        return Response({"resent": webhooks.replay(mine)}, 202)


class Deliveries(WebhookView):
    @extend_schema(
        operation_id="webhook_deliveries",
        summary="What was sent, or is to be, newest first; also the webhooks of single requests",
        parameters=[schemas.DeliveryQuery],
        responses={200: schemas.Deliveries, **REFUSED},
    )
    def get(self, request: Request) -> Response:
        query = read(schemas.DeliveryQuery, request.query_params)
        found = selectors.webhook_deliveries_for(self.owner)
        if ref := query.get("endpoint"):
            found = found.filter(endpoint=self.endpoint(ref))
        if state := query.get("state"):
            found = found.filter(state=state)
        shown = found[query["offset"] : query["offset"] + query["limit"]]
        return Response({"count": found.count(), "results": [schemas.Delivery(each).data for each in shown]})


class Delivery(WebhookView):
    @extend_schema(
        operation_id="webhook_delivery",
        summary="One message with its tries",
        responses={200: schemas.DeliveryDetail, **REFUSED},
    )
    def get(self, request: Request, message: str) -> Response:
        return Response(schemas.DeliveryDetail(selectors.webhook_delivery_for(self.owner, message)).data)


class DeliveryResend(WebhookView):
    @extend_schema(
        operation_id="webhook_resend",
        summary="Send it again, with the same id and body",
        request=None,
        responses={202: schemas.Delivery, 409: Error, **REFUSED},
    )
    def post(self, request: Request, message: str) -> Response:
        webhooks.resend(selectors.webhook_delivery_for(self.owner, message))
        return Response(schemas.Delivery(selectors.webhook_delivery_for(self.owner, message)).data, 202)


def _with_secret(endpoint: WebhookEndpoint, secret: str, *, status: int) -> Response:
    body: dict[str, Any] = {**schemas.Endpoint(endpoint).data, "secret": secret}
    return Response(body, status, headers={"Cache-Control": "no-store"})
