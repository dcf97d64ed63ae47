from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tests.dialects.sixth import DIALECT
from tests.dialects.sixth.request import parse
from tests.dialects.sixth.response import render
from transcripts import selectors
from transcripts.api.dialects.base import UploadView
from transcripts.api.openapi import KEY
from transcripts.api.transcribe import transcribe
from transcripts.services.submit import Order
from transcripts.uploads.received import received

FORM = inline_serializer(
    "SixthForm", {"sound": serializers.FileField(), "tongue": serializers.CharField(required=False)}
)
ANSWER = inline_serializer("SixthAnswer", {"ok": serializers.BooleanField(), "heard": serializers.CharField()})


class Hear(UploadView):
    refusal = DIALECT.refusal

    @extend_schema(
        operation_id="sixth_hear",
        request={"multipart/form-data": FORM},
        responses=ANSWER,
        auth=KEY,  # type: ignore[arg-type]
    )
    def post(self, request: Request) -> HttpResponse:
        got = received(request._request)
        upload = got.recording()
        order = Order(got.caller, upload, parse(got.fields).options, interactive=True)
        asked = {"fields": dict(got.fields), "sha256": upload.sha256}
        return transcribe(
            request._request, order, got.abandoned, asked, lambda row: Response(render(selectors.document(row)))
        )


urlpatterns = [path("sixth/hear", Hear.as_view())]
