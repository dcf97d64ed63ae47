from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from transcripts.api import chat_bodies as bodies
from transcripts.api.account import REFUSED, AccountView, read
from transcripts.api.schemas import Error
from transcripts.library import Filters
from transcripts.search import search


class Search(AccountView):
    @extend_schema(
        operation_id="search",
        summary="Find what was said",
        description="By its words, by what it means, or both; the best first, 150 places at most.",
        parameters=[bodies.SearchQuery],
        responses={200: bodies.SearchPage, 503: Error, **REFUSED},
    )
    def get(self, request: Request) -> Response:
        wish = read(bodies.SearchQuery, request.query_params)
        chosen = {name: wish[name] for name in ("speaker", "language", "tag", "since", "until")}
        filters = Filters(**chosen, source=wish["origin"])
        limit, offset = wish["limit"], wish["offset"]
        found = search(self.owner, wish["q"], filters=filters, by=wish["by"], limit=limit + 1, behind=offset)
        more = replace_query_param(request.build_absolute_uri(), "offset", offset + limit)
        page = {"results": found[:limit], "next": more if len(found) > limit else None}
        return Response(bodies.SearchPage(page).data)
