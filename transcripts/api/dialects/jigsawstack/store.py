"""The file store: files under names of the account's own, to be transcribed by name."""

import mimetypes
from collections.abc import Mapping
from typing import cast
from urllib.parse import quote

from django.core import signing
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import CallerAuthentication, OpenToAll
from accounts.models import User
from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.streaming import blocks
from transcripts import selectors
from transcripts.api.dialects.base import UploadView
from transcripts.api.dialects.jigsawstack import schemas
from transcripts.api.dialects.jigsawstack.jigsaw_view import JigsawView
from transcripts.api.dialects.jigsawstack.request import Keep, parse_keep, values_of
from transcripts.api.openapi import KEY
from transcripts.models import StoredFile
from transcripts.services import files
from transcripts.uploads.received import Received, received

SALT = "file store"
PUBLIC_SECONDS = 7 * 24 * 3600
NO_FILE = "No file was sent: put it in the form field `file`, or send its bytes as the body. Nothing was stored."
INERT: Mapping[str, str] = {
    # Whatever a file says it is, no browser may run it as a page of this site.
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Content-Disposition": "attachment",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}


class StoreFile(JigsawView, UploadView):
    @extend_schema(
        operation_id="jigsawstack_store_file",
        summary="Keep a file",
        request=schemas.STORE_BODIES,
        parameters=schemas.STORE_PARAMETERS,
        responses={200: schemas.JigsawStoredAnswer, **schemas.REFUSALS},
        auth=KEY,  # type: ignore[arg-type]
    )
    def post(self, request: Request) -> Response:
        got = received(request._request)
        wish = parse_keep(values_of(got, request._request.GET.dict(), "POST /v1/store/file"))
        if got.file is None:
            raise ServiceError(ErrorCode.MISSING_FILE, NO_FILE)
        kept = files.keep(
            got.caller, got.file, key=wish.key, content_type=_type_of(got, wish), overwrite=wish.overwrite
        )
        return Response(_answer(request._request, kept, wish))


class ReadFile(JigsawView):
    authentication_classes = (CallerAuthentication,)
    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="jigsawstack_read_file",
        summary="The bytes of a file",
        responses={
            (200, "*/*"): OpenApiResponse(OpenApiTypes.BINARY, "With the type it was kept with."),
            **schemas.REFUSALS,
        },
        auth=KEY,  # type: ignore[arg-type]
    )
    def get(self, request: Request, key: str) -> HttpResponseBase:
        return _bytes(request._request, selectors.stored_file(cast(User, request.user), key))

    @extend_schema(
        operation_id="jigsawstack_delete_file",
        summary="Delete a file",
        responses={200: schemas.JigsawDone, **schemas.REFUSALS},
        auth=KEY,  # type: ignore[arg-type]
    )
    def delete(self, request: Request, key: str) -> Response:
        files.remove(selectors.stored_file(cast(User, request.user), key))
        return Response({"success": True})


class PublicFile(JigsawView):
    """For whoever has the address, for a week; a file that was replaced or deleted is gone at once."""

    authentication_classes = (OpenToAll,)

    @extend_schema(
        operation_id="jigsawstack_public_file",
        summary="The bytes of a file, by its temporary address",
        responses={(200, "*/*"): OpenApiResponse(OpenApiTypes.BINARY), **schemas.REFUSALS},
        auth=[],
    )
    def get(self, request: Request, token: str) -> HttpResponseBase:
        try:
            place = signing.TimestampSigner(salt=SALT).unsign(token, max_age=PUBLIC_SECONDS)
        except signing.BadSignature as error:
            raise ServiceError(ErrorCode.NOT_FOUND, "There is nothing here, or it was here for a week only.") from error
        return _bytes(request._request, selectors.shared_file(place))


def _type_of(got: Received, wish: Keep) -> str:
    guessed = mimetypes.guess_type(got.file.filename)[0] if got.file else None
    return wish.content_type or got.content_type or guessed or ""


def _answer(request: HttpRequest, kept: StoredFile, wish: Keep) -> dict[str, object]:
    read = request.build_absolute_uri(f"/v1/store/file/read/{quote(kept.key)}")
    body: dict[str, object] = {"success": True, "key": kept.key, "url": read, "size": kept.size}
    if wish.temp_public_url:
        token = signing.TimestampSigner(salt=SALT).sign(kept.place)
        body["temp_public_url"] = request.build_absolute_uri(f"/v1/store/public/{token}")
    return body


def _bytes(request: HttpRequest, file: StoredFile) -> HttpResponseBase:
    stored = selectors.stored_bytes(file)
    headers = {**INERT, "Content-Length": str(file.size)}
    return StreamingHttpResponse(blocks(request, stored, file.size), content_type=file.content_type, headers=headers)
