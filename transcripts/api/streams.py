"""/api/v1/streams/:session_id/: what can be done with live captions when they are over."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from transcripts import selectors
from transcripts.api.account import REFUSED, AccountView, read
from transcripts.api.schemas import Error
from transcripts.services import live


class Saving(serializers.Serializer[Any]):
    title = serializers.CharField(required=False, default="", allow_blank=True, max_length=200)


class Saved(serializers.Serializer[Any]):
    id = serializers.CharField(source="public_id")
    slug = serializers.CharField()
    title = serializers.CharField()
    url = serializers.SerializerMethodField(help_text="Its page.")

    def get_url(self, transcript: Any) -> str:
        return reverse("document", kwargs={"slug": transcript.slug})


class StreamSave(AccountView):
    @extend_schema(
        operation_id="save_stream",
        summary="Keep the text of a live stream as a transcript",
        description="Within a day of the stream's end, by whoever streamed. A second time it is the same transcript.",
        request=Saving,
        responses={200: Saved, 409: Error, **REFUSED},
    )
    def post(self, request: Request, session: str) -> Response:
        stream = selectors.live_stream_for(self.owner, session)
        wish = read(Saving, request.data)
        return Response(Saved(live.save(stream.pk, wish["title"])).data)
