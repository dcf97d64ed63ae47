from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from rest_framework import serializers

from accounts.models import ApiKey, CloudInstance, User
from accounts.services import api_keys, ledger, usage
from accounts.services.access import Caller
from accounts.services.key_powers import SCOPES
from accounts.services.plans import MEGABYTE


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses a field that it does not know: whoever sends `credits` should hear that it did nothing."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := [str(name) for name in data if name not in self.fields]):
            message = f"These cannot be set here: {', '.join(unknown)}. Nothing was changed."
            raise serializers.ValidationError({"non_field_errors": [message]})
        return super().to_internal_value(data)


class Refusal(serializers.Serializer[Any]):
    error = serializers.CharField(help_text="A sentence: what happened, what it cost, what to do.")


class EmailPreferences(StrictSerializer):
    product_updates = serializers.BooleanField(source="mail_product_updates", required=False)
    transcript_ready = serializers.BooleanField(source="mail_transcript_ready", required=False)
    low_credits = serializers.BooleanField(source="mail_low_credits", required=False)


class AccountChange(StrictSerializer):
    name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    email_preferences = EmailPreferences(required=False)


class NewKey(StrictSerializer):
    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(child=serializers.ChoiceField(SCOPES), required=False, allow_empty=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    mode = serializers.ChoiceField(
        ApiKey.Mode.choices, required=False, default=ApiKey.Mode.LIVE.value, help_text="What a test key does is free."
    )
    monthly_minutes = serializers.IntegerField(
        required=False, allow_null=True, default=None, help_text="The most it may spend in a UTC month."
    )


class RollKey(StrictSerializer):
    overlap_hours = serializers.ChoiceField(
        [overlap // timedelta(hours=1) for overlap in api_keys.OVERLAPS],
        required=False,
        default=0,
        help_text="How long the old key goes on working.",
    )


class Used(serializers.Serializer[Any]):
    requests = serializers.IntegerField(help_text="Finished transcriptions. What failed is not among them.")
    minutes = serializers.FloatField(help_text="Charged minutes of audio.")
    credits = serializers.FloatField(help_text="A credit is a charged minute.")
    by_source = serializers.DictField(child=serializers.FloatField(), help_text="The minutes of web, api and live.")


class CloudMachine(serializers.ModelSerializer[CloudInstance]):
    class Meta:
        model = CloudInstance
        fields = ("id", "name", "region", "status", "gpu", "endpoint", "created_at")


class CloudInstances(serializers.Serializer[Any]):
    """Empty where none is kept for the account. The administrator keeps the list."""

    results = CloudMachine(many=True)
    count = serializers.IntegerField()


def cloud_item(instance: CloudInstance) -> dict[str, Any]:
    return dict(CloudMachine(instance).data)


class UsageQuery(serializers.Serializer[Any]):
    key = serializers.IntegerField(required=False, help_text="The id of one of your keys: only what it asked for.")


class UsedDay(Used):
    date = serializers.DateField(help_text="UTC.")


class Usage(serializers.Serializer[Any]):
    """The last 30 days, today too, oldest first, days without any use included."""

    days = UsedDay(many=True)
    total = Used()


def usage_item(days: list[usage.Day]) -> dict[str, Any]:
    return {
        "days": [{"date": day.date, **_used(day.requests, day.charged_by)} for day in days],
        "total": _used(*usage.total(days)),
    }


def _used(requests: int, charged_by: Mapping[str, int]) -> dict[str, Any]:
    charged = credits_number(sum(charged_by.values()))
    by_source = {source: credits_number(amount) for source, amount in charged_by.items()}
    return {"requests": requests, "minutes": charged, "credits": charged, "by_source": by_source}


def account_item(user: User, caller: Caller) -> dict[str, Any]:
    balance = ledger.balance(user)
    return {
        "id": user.pk,
        "email": user.email,
        "name": user.name,
        "plan": caller.plan.id,
        "credits_remaining": credits_number(balance.available_mc),
        "credits_used_this_month": credits_number(balance.used_this_month_mc),
        "renews_at": balance.renews_at,
        "limits": {"max_file_mb": caller.plan.max_file_bytes // MEGABYTE, "concurrent": caller.plan.concurrent},
        "email_preferences": dict(EmailPreferences(user).data),
    }


def key_item(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.pk,
        "name": key.name,
        "prefix": key.prefix,
        "last_four": key.last_four,
        "mode": key.mode,
        "scopes": key.scopes,
        "monthly_minutes": key.monthly_minutes,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "last_used_ip": key.last_used_ip,
        "replaced_by": key.replaced_by_id,
        "revoked": key.revoked_at is not None,
    }


def credits_number(amount_mc: int) -> int | float:
    whole, rest = divmod(amount_mc, ledger.MILLICREDITS)
    return amount_mc / ledger.MILLICREDITS if rest else whole
