"""The bodies of /api/v1/webhooks/."""

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import StrictSerializer
from transcripts.models import WebhookDelivery, WebhookEndpoint
from transcripts.services.webhooks import EVENTS, MOST_REPLAYED, OVERLAPS

STATES = ("pending", "delivered", "dead")
REPLAYED = ("dead", "delivered")
OFF = tuple(WebhookEndpoint.Off.values)


class NewEndpoint(StrictSerializer):
    url = serializers.CharField(max_length=2048)
    events = serializers.ListField(child=serializers.ChoiceField(EVENTS), required=False, default=list(EVENTS))


class EndpointChange(StrictSerializer):
    url = serializers.CharField(max_length=2048, required=False)
    events = serializers.ListField(child=serializers.ChoiceField(EVENTS), required=False)
    enabled = serializers.BooleanField(required=False)


class RollSecret(StrictSerializer):
    overlap_hours = serializers.ChoiceField(
        [overlap // timedelta(hours=1) for overlap in OVERLAPS],
        required=False,
        default=24,
        help_text="How long the old secret signs too.",
    )


class Replay(StrictSerializer):
    state = serializers.ChoiceField(REPLAYED, required=False, default="dead")
    since = serializers.DateTimeField(required=False, help_text="Made at or after.")
    until = serializers.DateTimeField(required=False, help_text="Made before.")


class Replayed(serializers.Serializer[Any]):
    resent = serializers.IntegerField(help_text=f"At most {MOST_REPLAYED} a request.")


class Endpoint(serializers.Serializer[WebhookEndpoint]):
    id = serializers.CharField(source="public_id")
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField())
    enabled = serializers.SerializerMethodField()
    disabled_because = serializers.ChoiceField(
        OFF, source="off", help_text="owner, gone (it answered 410) or failing (it took nothing for five days)."
    )
    failing_since = serializers.DateTimeField(allow_null=True)
    previous_secret_until = serializers.DateTimeField(source="previous_until", allow_null=True)
    created_at = serializers.DateTimeField()

    def get_enabled(self, endpoint: WebhookEndpoint) -> bool:
        return not endpoint.off


class EndpointWithSecret(Endpoint):
    secret = serializers.CharField(help_text="Shown this once. Standard Webhooks libraries take it as it is.")


class Endpoints(serializers.Serializer[Any]):
    results = Endpoint(many=True)


class DeliveryQuery(serializers.Serializer[Any]):
    endpoint = serializers.CharField(required=False, max_length=16)
    state = serializers.ChoiceField(STATES, required=False)
    limit = serializers.IntegerField(required=False, default=20, min_value=1, max_value=100)
    offset = serializers.IntegerField(required=False, default=0, min_value=0, max_value=2**31 - 1)


class Delivery(serializers.Serializer[WebhookDelivery]):
    id = serializers.CharField(source="public_id", help_text="The header webhook-id.")
    event = serializers.CharField(help_text="callback: the webhook_url of one request.")
    endpoint = serializers.CharField(source="endpoint.public_id", default=None, allow_null=True)
    url = serializers.SerializerMethodField()
    transcript = serializers.CharField(source="transcript.public_id", default=None, allow_null=True)
    state = serializers.ChoiceField(STATES)
    tries = serializers.IntegerField()
    next_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)

    def get_url(self, delivery: WebhookDelivery) -> str:
        return delivery.endpoint.url if delivery.endpoint else delivery.url


class Attempt(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    at = serializers.DateTimeField()
    duration_ms = serializers.IntegerField()
    status = serializers.IntegerField(allow_null=True, help_text="null: no answer.")
    error = serializers.CharField()
    answer = serializers.CharField(help_text="The first kilobyte of it.")


class DeliveryDetail(Delivery):
    attempts = serializers.SerializerMethodField()
    body = serializers.SerializerMethodField(help_text="What is sent, byte for byte; null before the first try.")

    @extend_schema_field(Attempt(many=True))
    def get_attempts(self, delivery: WebhookDelivery) -> list[dict[str, Any]]:
        return [dict(Attempt(each).data) for each in delivery.history.order_by("number")]

    def get_body(self, delivery: WebhookDelivery) -> str | None:
        return None if delivery.body is None else bytes(delivery.body).decode()


class Deliveries(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    results = Delivery(many=True)
