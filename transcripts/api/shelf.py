"""Tags, the trash, and what is wished for many transcripts at once."""

from typing import ClassVar

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from stt_site.lib.streaming import as_made, attachment
from transcripts import selectors
from transcripts.api import history_bodies as bodies
from transcripts.api import serializers
from transcripts.api.account import REFUSED, AccountView, read
from transcripts.services import bulk, trash


class Tags(AccountView):
    @extend_schema(operation_id="list_tags", summary="Your tags", responses={200: bodies.TagsBody, **REFUSED})
    def get(self, request: Request) -> Response:
        found = [{"name": name, "count": count} for name, count in selectors.tags_of(self.owner)]
        return Response(bodies.TagsBody({"results": found}).data)


class Trash(AccountView):
    @extend_schema(
        operation_id="list_trash",
        summary="What you threw away, the last first",
        parameters=[bodies.TrashQuery],
        responses={200: bodies.TrashPage, **REFUSED},
    )
    def get(self, request: Request) -> Response:
        query = read(bodies.TrashQuery, request.query_params)
        found = selectors.trash_for(self.owner).defer("text")
        page = found[query["offset"] : query["offset"] + query["limit"]]
        return Response(bodies.TrashPage({"count": found.count(), "results": page}).data)


class TranscriptTrash(AccountView):
    @extend_schema(
        operation_id="trash_transcript",
        summary="Throw it away",
        description="It is nowhere but in the trash then, and deleted after 7 days. What runs is cancelled, free.",
        request=None,
        responses={204: None, **REFUSED},
    )
    def post(self, request: Request, ref: str) -> Response:
        trash.trash(self.transcript(ref))
        return Response(status=204)


class TranscriptRestore(AccountView):
    @extend_schema(
        operation_id="restore_transcript",
        summary="Take it back from the trash",
        request=None,
        responses={200: serializers.Detail, **REFUSED},
    )
    def post(self, request: Request, ref: str) -> Response:
        transcript = selectors.trashed_for(self.owner, ref)
        trash.restore(transcript)
        return Response(serializers.Detail(self.transcript(ref)).data)


class Bulk(AccountView):
    @extend_schema(
        operation_id="change_transcripts",
        summary="Tag, throw away or take back many",
        description="What is not there, or not yours, is named under `missing`; the others are done.",
        request=bodies.BulkAction,
        responses={200: bodies.BulkDone, **REFUSED},
    )
    def post(self, request: Request) -> Response:
        wish = read(bodies.BulkAction, request.data)
        return Response(bodies.BulkDone(bulk.act(self.owner, wish["ids"], wish["action"], wish["tags"])).data)


class BulkExport(AccountView):
    scopes: ClassVar = {"POST": "read"}

    @extend_schema(
        operation_id="export_transcripts",
        summary="Download many as a ZIP",
        request=bodies.BulkExport,
        responses={(200, "application/zip"): OpenApiTypes.BINARY, **REFUSED},
    )
    def post(self, request: Request) -> StreamingHttpResponse:
        wish = read(bodies.BulkExport, request.data)
        blocks = bulk.export(self.owner, wish["ids"], wish["format"])
        headers = {**attachment("transcripts.zip"), "Cache-Control": "private, no-store"}
        return StreamingHttpResponse(as_made(request._request, blocks), content_type="application/zip", headers=headers)
