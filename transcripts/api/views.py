"""/api/v1/transcripts/: what there is, made, changed, taken away."""

from contextlib import suppress
from dataclasses import replace
from typing import ClassVar

from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from accounts.services import limits
from accounts.services.idempotency import Ticket
from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.streaming import attachment
from transcripts import selectors
from transcripts.api import serializers
from transcripts.api.account import REFUSED, AccountView, read
from transcripts.api.meta import meta_of
from transcripts.api.once import answer_once
from transcripts.api.schemas import Error
from transcripts.exports.base import CannotDraw, ExportOptions
from transcripts.exports.registry import FORMATS, render
from transcripts.models import Origin, Transcript
from transcripts.services import jobs, redaction, speakers, tags, transcripts, uploads
from transcripts.services.editing import speakers as naming
from transcripts.services.rerun import jobs_of
from transcripts.services.submit import Order, check, submit

EXPORTED = {(200, each.media_type.partition(";")[0]): OpenApiTypes.BINARY for each in FORMATS.values()}


class TranscriptList(AccountView):
    buckets: ClassVar = {"POST": "work"}

    @extend_schema(
        operation_id="list_transcripts",
        summary="Your transcripts, newest first",
        parameters=[serializers.ListQuery],
        responses={200: serializers.Page, 400: Error, 401: Error},
    )
    def get(self, request: Request) -> Response:
        query = read(serializers.ListQuery, request.query_params)
        limit, offset = query.pop("limit"), query.pop("offset")
        # A list shows no text, and a hundred texts of three hours are 20 MB.
        found = selectors.transcripts_for(self.owner, **query).defer("text")
        count = found.count()
        address = request.build_absolute_uri()

        def page_at(start: int) -> str:
            return replace_query_param(replace_query_param(address, "limit", limit), "offset", start)

        return Response(
            {
                "count": count,
                "next": page_at(offset + limit) if offset + limit < count else None,
                "previous": page_at(max(0, offset - limit)) if offset else None,
                "results": [serializers.Item(each).data for each in found[offset : offset + limit]],
            }
        )

    @extend_schema(
        operation_id="create_transcript",
        summary="Transcribe a finished resumable upload",
        description="Upload the recording with tus 1.0 at `/api/uploads/` first. The answer comes at once; the work "
        "goes on, and the detail tells its progress.",
        request=serializers.NewTranscript,
        responses={201: serializers.Detail, **dict.fromkeys((402, 409, 422, 429, 503, 507), Error), **REFUSED},
    )
    def post(self, request: Request) -> HttpResponse:
        wish = serializers.NewTranscript(data=request.data)
        wish.is_valid(raise_exception=True)

        def accept(ticket: Ticket | None) -> Transcript:
            limits.check_before_body(self.caller, None)
            check(wish.options())
            order = Order(
                caller=self.caller,
                upload=uploads.finish(self.owner, wish.validated_data["upload"]),
                options=wish.options(),
                origin=Origin.WEB if self.caller.api_key_id is None else Origin.API,
                interactive=False,
                title=wish.validated_data["title"],
                ticket=ticket,
            )
            try:
                return submit(order)
            except ServiceError as error:
                if error.status == 400:  # The recording itself will not do, now or later.
                    with suppress(ServiceError):
                        uploads.terminate(self.owner, wish.validated_data["upload"])
                raise

        return answer_once(request._request, self.caller, wish.validated_data, accept, _accepted)


class TranscriptDetail(AccountView):
    @extend_schema(
        operation_id="get_transcript",
        summary="One transcript",
        parameters=[serializers.Redaction],
        responses={200: serializers.Detail, 503: Error, **REFUSED},
    )
    def get(self, request: Request, ref: str) -> Response:
        transcript = self.transcript(ref)
        context = read(serializers.Redaction, request.query_params)
        return Response(serializers.Detail(transcript, context=context).data)

    @extend_schema(
        operation_id="change_transcript",
        summary="Change its title, its tags, the names of its speakers",
        description="What is not sent stays. New names of speakers are a step of the history and stand in exports.",
        request=serializers.Change,
        responses={200: serializers.Detail, 409: Error, **REFUSED},
    )
    def patch(self, request: Request, ref: str) -> Response:
        transcript, wish = self.transcript(ref), read(serializers.Change, request.data)
        with transaction.atomic():
            if "speakers" in wish:
                naming.rename(transcript, self.owner, wish["speakers"])
            if "tags" in wish:
                tags.set_tags(transcript, wish["tags"])
            if "title" in wish:
                transcripts.rename(transcript, wish["title"])
        return Response(serializers.Detail(self.transcript(ref)).data)

    @extend_schema(
        operation_id="delete_transcript",
        summary="Delete it with its recording",
        responses={204: None, **REFUSED},
    )
    def delete(self, request: Request, ref: str) -> Response:
        transcripts.delete(self.transcript(ref))
        return Response(status=204)


class TranscriptCancel(AccountView):
    @extend_schema(
        operation_id="cancel_transcript",
        summary="Stop its transcription",
        description="Also a further run over its recording. Costs nothing. What has ended stays as it is.",
        request=None,
        responses={200: serializers.Detail, **REFUSED},
    )
    def post(self, request: Request, ref: str) -> Response:
        for job in jobs_of(self.transcript(ref)):
            jobs.request_cancel(job)
        return Response(serializers.Detail(self.transcript(ref)).data)


class TranscriptSpeakers(AccountView):
    @extend_schema(
        operation_id="label_speakers",
        summary="Tell its speakers apart, again",
        description="Free. The answer comes at once; `labelling` is true until the work has ended. The text stays.",
        request=serializers.Labelling,
        responses={202: serializers.Detail, 409: Error, 503: Error, **REFUSED},
    )
    def post(self, request: Request, ref: str) -> Response:
        transcript = self.transcript(ref)
        wish = serializers.Labelling(data=request.data)
        wish.is_valid(raise_exception=True)
        speakers.order(transcript, wish.options())
        return Response(serializers.Detail(transcript).data, 202)


class TranscriptExport(AccountView):
    @extend_schema(
        operation_id="export_transcript",
        summary="Download it as a file",
        parameters=[
            serializers.ExportQuery,
            OpenApiParameter("export_format", str, OpenApiParameter.PATH, enum=list(FORMATS)),
        ],
        responses={**EXPORTED, 409: Error, **REFUSED},
    )
    def get(self, request: Request, ref: str, export_format: str) -> HttpResponse:
        transcript = self.transcript(ref)
        wish = read(serializers.ExportQuery, request.query_params)
        redact = wish.pop("redact")
        options = ExportOptions(**wish)
        if export_format not in FORMATS:
            known = ", ".join(FORMATS)
            message = f"There is no export format {export_format[:20]!r}. Choose one of: {known}."
            raise ServiceError(ErrorCode.INVALID_REQUEST, message)
        if selectors.status_of(transcript.job) != "completed":
            raise ServiceError(ErrorCode.NOT_READY)
        try:
            document, meta = selectors.document(transcript), meta_of(transcript)
            if redact:
                document, (title,) = redaction.redacted(document, [meta.title])
                meta = replace(meta, title=title, slug=meta.slug if title == meta.title else transcript.public_id)
            file = render(export_format, document, meta, options)
        except CannotDraw as error:
            raise ServiceError(ErrorCode.INVALID_REQUEST, str(error)) from error
        return download(file.name, file.media_type, file.body)


def download(name: str, media_type: str, body: bytes) -> HttpResponse:
    headers = {**attachment(name), "X-Content-Type-Options": "nosniff"}
    return HttpResponse(body, content_type=media_type, headers=headers)


def _accepted(transcript: Transcript, ticket: Ticket | None) -> Response:
    address = f"/api/v1/transcripts/{transcript.pk}/"
    return Response(serializers.Detail(transcript).data, 201, headers={"Location": address})
