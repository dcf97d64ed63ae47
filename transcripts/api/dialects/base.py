"""What every dialect is made of. A dialect is a folder of this shape: urls, views, request, response, errors."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.http import HttpRequest
from rest_framework.exceptions import NotAuthenticated
from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from engine.types import Options
from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.rest import as_service_error, headers_of
from transcripts.uploads.policy import UploadPolicy


class Refusal(ABC):
    """A dialect's errors: a table that must be total over ErrorCode, and the shape of a body."""

    statuses: Mapping[ErrorCode, int]

    @abstractmethod
    def body(self, error: ServiceError) -> dict[str, Any]: ...

    def status(self, error: ServiceError) -> int:
        return self.statuses[error.code]

    def headers(self, error: ServiceError) -> dict[str, str]:
        return headers_of(error, self.status(error))

    def response(self, error: ServiceError) -> Response:
        return Response(self.body(error), self.status(error), headers=self.headers(error))


@dataclass(frozen=True, slots=True)
class Dialect:
    name: str
    urls: str
    """The module with its urlpatterns."""
    refusal: Refusal
    prefixes: tuple[str, ...]
    """Addresses under these answer in its shape, unknown ones too."""
    uploads: Mapping[str, UploadPolicy] = field(default_factory=dict)
    """Its addresses that take a file."""


@dataclass(frozen=True, slots=True)
class TranscriptionOrder:
    """A caller's wish, read from any dialect's fields. `format` is the dialect's own word for the answer's shape."""

    options: Options
    format: str
    diarize: bool
    speakers: int = 0


class IgnoreAccept(BaseContentNegotiation):
    """An answer's type follows from the request; clients send whatever their HTTP library does."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        return DefaultContentNegotiation().select_parser(request, parsers)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, first.media_type


class DialectView(APIView):
    # Every error of the view, also of authentication and parsing, leaves in the dialect's shape. (A docstring would
    # stand in the OpenAPI document, at each address.)
    refusal: ClassVar[Refusal]
    content_negotiation_class = IgnoreAccept

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response]:
        def handle(error: Exception, context: dict[str, Any]) -> Response:
            if isinstance(error, NotAuthenticated):
                error = ServiceError(ErrorCode.NOT_SIGNED_IN)
            refused = as_service_error(error, request_id(self.request))
            refused.request_id = request_id(self.request)
            return self.refusal.response(refused)

        return handle

    def handle_exception(self, exc: Exception) -> Response:
        # DRF turns a 401 into a 403 where the first authenticator has no challenge; ours keeps the table's status.
        response = self.get_exception_handler()(exc, self.get_exception_handler_context())
        response.exception = True
        return response

    def permission_denied(self, request: Request, message: str | None = None, code: str | None = None) -> Any:
        if not request.user or not request.user.is_authenticated:
            raise ServiceError(ErrorCode.NOT_SIGNED_IN)
        super().permission_denied(request, message, code)


class UploadView(DialectView):
    # The gate has identified the caller already, before it let the body in.
    authentication_classes = ()


def request_id(request: HttpRequest | Request) -> str:
    """The id that the middleware gave the request."""
    return str(getattr(request, "steno_id", ""))
