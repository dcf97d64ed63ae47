from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.api.dialects.base import request_id
from transcripts.api.dialects.registry import dialect_for


class PermanentRedirect(HttpResponseRedirect):
    """308 keeps the method and the body, unlike 301."""

    status_code = 308


@csrf_exempt
def with_slash(request: HttpRequest) -> HttpResponse:
    query = request.META.get("QUERY_STRING", "")
    return PermanentRedirect(f"{request.path}/{'?' if query else ''}{query}")


@csrf_exempt
def no_such_address(request: HttpRequest) -> HttpResponse:
    dialect = dialect_for(request.path)
    assert dialect is not None, "only addresses of an API come here"
    error = ServiceError(ErrorCode.NOT_FOUND, "There is nothing at this address.")
    error.request_id = request_id(request)
    return JsonResponse(
        dialect.refusal.body(error), status=dialect.refusal.status(error), headers=dialect.refusal.headers(error)
    )
