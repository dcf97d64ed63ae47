"""A refusal on a page: the same sentence as everywhere, in a page with the right status."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from stt_site.lib.errors import ErrorCode, ServiceError

TITLES = {
    401: "Please sign in",
    402: "No minutes left",
    403: "This is not in your plan",
    404: "There is nothing at this address",
    409: "That did not fit",
    413: "The file is too large",
    429: "Not so fast",
    500: "Something went wrong here",
    503: "Not ready just now",
    507: "The server is full",
}


class RefusalPages(MiddlewareMixin):
    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return refusal(request, error) if isinstance(error, ServiceError) else None


def wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def refusal(request: HttpRequest, error: ServiceError) -> HttpResponse:
    response: HttpResponse
    if wants_json(request):
        response = JsonResponse({"error": error.message, "code": error.code}, status=error.status)
    elif error.status == 404:
        response = render(request, "404.html", status=404)
    else:
        title = "Not ready yet" if error.code == ErrorCode.NOT_READY else TITLES.get(error.status, "That did not work")
        context = {"status": error.status, "title": title, "error": error}
        response = render(request, "errors/refusal.html", context, status=error.status)
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    return response
