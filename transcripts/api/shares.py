"""/api/v1/transcripts/:ref/shares/: links that open a transcript to whoever has them."""

from typing import Any, ClassVar

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import selectors
from transcripts.api.account import REFUSED, AccountView
from transcripts.api.schemas import Error
from transcripts.models import Share
from transcripts.services import shares


class Wish(serializers.Serializer[Any]):
    """Of a new link."""

    text = serializers.BooleanField(required=False, default=True, help_text="The words can be read and searched.")
    audio = serializers.BooleanField(required=False, default=True, help_text="The recording can be heard.")
    downloads = serializers.BooleanField(required=False, default=False, help_text="What is shown can be downloaded.")
    expires_in_days = serializers.ChoiceField(
        choices=shares.DAYS, required=False, allow_null=True, default=shares.DEFAULT_DAYS, help_text="null: never."
    )
    password = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        trim_whitespace=False,
        max_length=shares.PASSWORD_LETTERS[1],
        help_text="Asked of whoever opens the link; kept as a hash, so it cannot be read again.",
    )

    def terms(self) -> shares.Terms:
        given = dict(self.validated_data)
        return shares.Terms(days=given.pop("expires_in_days"), **given)


class Link(serializers.Serializer[Share]):
    id = serializers.CharField(source="key")
    url = serializers.SerializerMethodField(help_text="Add #t=12.5 to open it at a moment, in seconds.")
    text = serializers.BooleanField()
    audio = serializers.BooleanField()
    downloads = serializers.BooleanField()
    has_password = serializers.SerializerMethodField()
    expires_at = serializers.DateTimeField(allow_null=True, help_text="From then on the link opens nothing.")
    views = serializers.IntegerField(help_text="How often the page was opened, its owner's visits apart.")
    created_at = serializers.DateTimeField()

    def get_url(self, share: Share) -> str:
        path = reverse("share", kwargs={"token": shares.token_of(share)})
        return str(self.context["request"].build_absolute_uri(path))

    def get_has_password(self, share: Share) -> bool:
        return bool(share.password)


class Links(serializers.Serializer[Any]):
    results = Link(many=True)


class ShareList(AccountView):
    @extend_schema(operation_id="list_shares", summary="Its links, newest first", responses={200: Links, **REFUSED})
    def get(self, request: Request, ref: str) -> Response:
        found = selectors.shares_of(self.transcript(ref))
        return Response({"results": [_shown(share, request) for share in found]})

    @extend_schema(
        operation_id="create_share",
        summary="Make a link for people without an account",
        description="The page it opens is plain HTML, asks search engines to stay away and follows later corrections. "
        "A link ends when it expires, is revoked, its transcript goes to the trash or its account is closed; then it "
        "is 404, with the recording and all files.",
        request=Wish,
        responses={201: Link, 409: Error, **REFUSED},
    )
    def post(self, request: Request, ref: str) -> Response:
        transcript = self.transcript(ref)
        if selectors.status_of(transcript.job) != "completed":
            raise ServiceError(ErrorCode.NOT_READY)
        wish = Wish(data=request.data)
        wish.is_valid(raise_exception=True)
        share = shares.create(transcript, wish.terms())
        return Response(_shown(share, request), 201)


class ShareDetail(AccountView):
    scopes: ClassVar = {"DELETE": "write"}

    @extend_schema(operation_id="revoke_share", summary="Revoke a link, at once", responses={204: None, **REFUSED})
    def delete(self, request: Request, ref: str, key: str) -> Response:
        if not shares.revoke(self.transcript(ref), key):
            raise ServiceError(ErrorCode.NOT_FOUND)
        return Response(status=204)


def _shown(share: Share, request: Request) -> dict[str, Any]:
    return dict(Link(share, context={"request": request}).data)
