from dataclasses import asdict
from datetime import timedelta
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers import (
    AccountChange,
    CloudInstances,
    NewKey,
    Refusal,
    RollKey,
    StrictSerializer,
    Usage,
    UsageQuery,
    account_item,
    cloud_item,
    key_item,
    usage_item,
)
from accounts.authentication import CallerAuthentication
from accounts.models import ApiKey, CloudInstance, User
from accounts.services import api_keys, key_powers, profile, usage
from accounts.services.access import Caller
from stt_site.lib.errors import ErrorCode, ServiceError

REFUSED = dict.fromkeys((400, 401, 403), Refusal)


class AccountView(APIView):
    authentication_classes = (CallerAuthentication,)

    @extend_schema(
        operation_id="account", summary="You, your minutes and limits", responses={200: dict[str, Any], **REFUSED}
    )
    def get(self, request: Request) -> Response:
        user, caller = _signed_in(request)
        return Response(account_item(user, caller))

    @extend_schema(
        operation_id="account_change",
        summary="Change your name and which mail you get",
        request=AccountChange,
        responses={200: dict[str, Any], **REFUSED},
    )
    def patch(self, request: Request) -> Response:
        user, caller = _signed_in(request)
        changes = _valid(AccountChange(data=request.data))
        preferences = changes.pop("email_preferences", {})
        profile.change(user, **changes, **preferences)
        return Response(account_item(user, caller))


class KeysView(APIView):
    authentication_classes = (CallerAuthentication,)
    scopes: ClassVar = {"POST": "keys:write"}

    @extend_schema(operation_id="keys", summary="Your API keys", responses={200: dict[str, Any], **REFUSED})
    def get(self, request: Request) -> Response:
        user, _ = _signed_in(request)
        return Response({"results": [key_item(key) for key in api_keys.keys_of(user)]})

    @extend_schema(
        operation_id="key_create",
        summary="Make a key; the answer shows it, once",
        request=NewKey,
        responses={201: dict[str, Any], **REFUSED, 409: Refusal},
    )
    def post(self, request: Request) -> Response:
        user, caller = _signed_in(request)
        wanted = _valid(NewKey(data=request.data))
        name, expires_at = wanted.pop("name"), wanted["expires_at"]
        if expires_at is not None and expires_at <= timezone.now():
            raise ServiceError(ErrorCode.INVALID_REQUEST, "Give an expires_at in the future. No key was made.")
        powers = key_powers.grant(caller.api_key_id, **{"scopes": None, **wanted})
        return _made(*api_keys.create_key(user, name, **asdict(powers)))


class KeyView(APIView):
    authentication_classes = (CallerAuthentication,)
    scopes: ClassVar = {"DELETE": "keys:write"}

    @extend_schema(
        operation_id="key_revoke",
        summary="Revoke a key, from the next request on",
        responses={204: None, **REFUSED, 404: Refusal},
    )
    def delete(self, request: Request, pk: int) -> Response:
        user, _ = _signed_in(request)
        api_keys.revoke(api_keys.key_of(user, pk))
        return Response(status=204)


class KeyRollView(APIView):
    authentication_classes = (CallerAuthentication,)
    scopes: ClassVar = {"POST": "keys:write"}

    @extend_schema(
        operation_id="key_roll",
        summary="Put a new key in its place",
        request=RollKey,
        responses={201: dict[str, Any], **REFUSED, 404: Refusal, 409: Refusal},
    )
    def post(self, request: Request, pk: int) -> Response:
        user, caller = _signed_in(request)
        overlap = timedelta(hours=_valid(RollKey(data=request.data))["overlap_hours"])
        key = api_keys.key_of(user, pk)
        key_powers.may_roll(caller.api_key_id, key)
        return _made(*api_keys.roll(key, overlap))


class CloudView(APIView):
    authentication_classes = (CallerAuthentication,)

    @extend_schema(
        operation_id="cloud", summary="Machines kept for this account", responses={200: CloudInstances, **REFUSED}
    )
    def get(self, request: Request) -> Response:
        user, _ = _signed_in(request)
        items = [
            cloud_item(instance) for instance in CloudInstance.objects.filter(user=user).order_by("created_at", "pk")
        ]
        return Response({"results": items, "count": len(items)})


class UsageView(APIView):
    authentication_classes = (CallerAuthentication,)

    @extend_schema(
        operation_id="usage",
        summary="Use of the last 30 UTC days, by day",
        parameters=[UsageQuery],
        responses={200: Usage, **REFUSED, 404: Refusal},
    )
    def get(self, request: Request) -> Response:
        user, _ = _signed_in(request)
        query = UsageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data.get("key")
        key = None if asked is None else api_keys.key_of(user, asked)
        return Response(usage_item(usage.days(user, by=key)))


def _made(key: ApiKey, plaintext: str) -> Response:
    return Response({**key_item(key), "key": plaintext}, 201, headers={"Cache-Control": "no-store"})


def _signed_in(request: Request) -> tuple[User, Caller]:
    caller = request.auth
    if not isinstance(caller, Caller) or caller.user is None:
        raise ServiceError(ErrorCode.NOT_SIGNED_IN)
    return caller.user, caller


def _valid(serializer: StrictSerializer) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
