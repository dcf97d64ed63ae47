"""Parts that the bodies of several APIs share."""

from typing import Any

from rest_framework import serializers

STATUSES = ("pending", "processing", "completed", "failed", "cancelled")
HEALTH = ("ok", "degraded")


class Error(serializers.Serializer[Any]):
    error = serializers.CharField(help_text="A sentence: what happened, what it cost, what to do.")


class Notice(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class Span(serializers.Serializer[Any]):
    start = serializers.FloatField(help_text="Seconds.")
    end = serializers.FloatField()
    reason = serializers.CharField()
