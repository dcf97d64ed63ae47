"""What the addresses under /api/v1/transcripts/ share: a key, or the session of a signed-in reader."""

from typing import Any, cast

from rest_framework.parsers import JSONParser
from rest_framework.permissions import IsAuthenticated

from accounts.authentication import CallerAuthentication
from accounts.models import User
from accounts.services.access import Caller
from transcripts import selectors
from transcripts.api.dialects.base import DialectView
from transcripts.api.dialects.stt_ai import DIALECT
from transcripts.api.schemas import Error
from transcripts.models import Transcript

REFUSED = dict.fromkeys((400, 401, 403, 404), Error)


class AccountView(DialectView):
    refusal = DIALECT.refusal
    authentication_classes = (CallerAuthentication,)
    permission_classes = (IsAuthenticated,)
    parser_classes = (JSONParser,)

    @property
    def caller(self) -> Caller:
        return cast(Caller, self.request.auth)

    @property
    def owner(self) -> User:
        return cast(User, self.request.user)

    def transcript(self, ref: str) -> Transcript:
        return selectors.transcript_for(self.owner, ref)


def read(kind: type[Any], data: Any) -> dict[str, Any]:
    """Validated values; an empty query value means that it is absent."""
    given = {name: data[name] for name in data if data[name] != ""} if hasattr(data, "getlist") else data
    wish = kind(data=given)
    wish.is_valid(raise_exception=True)
    return dict(wish.validated_data)
