"""/api/v1/transcripts/:ref/history/ and versions/: what was done, and what else the recording was heard as."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from transcripts import selectors
from transcripts.api import history_bodies as bodies
from transcripts.api import serializers
from transcripts.api.account import REFUSED, AccountView, read
from transcripts.api.editing import EditingView, changes, outcome
from transcripts.api.schemas import Error
from transcripts.services.editing import history, versions
from transcripts.services.rerun import rerun


class History(AccountView):
    @extend_schema(
        operation_id="list_history",
        summary="What was done to a document, the last first",
        parameters=[bodies.HistoryQuery],
        responses={200: bodies.HistoryBody, **REFUSED},
    )
    def get(self, request: Request, ref: str) -> Response:
        transcript, query = self.transcript(ref), read(bodies.HistoryQuery, request.query_params)
        found = selectors.history(transcript, query.get("before"), query["limit"] + 1)
        page = found[: query["limit"]]
        body = {"results": page, "next": page[-1].number if len(found) > len(page) else None}
        return Response(bodies.HistoryBody(body).data)


class HistoryStep(AccountView):
    @extend_schema(
        operation_id="get_history_step",
        summary="What one step changed",
        responses={200: bodies.StepDetail, **REFUSED},
    )
    def get(self, request: Request, ref: str, number: int) -> Response:
        transcript = self.transcript(ref)
        step, changed = selectors.history_step(transcript, number)
        more = {"changes": changed, "renamed": selectors.renamed_speakers(transcript, number)}
        return Response(bodies.StepBody(step).data | bodies.StepChanges(more).data)


class HistoryRestore(EditingView):
    @changes(
        "restore_history", "Go back to the state behind a step", None, "0 is as the engine gave it. Can be undone."
    )
    def post(self, request: Request, ref: str, number: int) -> Response:
        return outcome(history.restore(self.transcript(ref), self.owner, number, self.key))


class Versions(AccountView):
    buckets: ClassVar = {"POST": "work"}

    @extend_schema(
        operation_id="list_versions",
        summary="The runs over its recording",
        responses={200: bodies.VersionsBody, **REFUSED},
    )
    def get(self, request: Request, ref: str) -> Response:
        transcript = self.transcript(ref)
        body = {"current": transcript.version, "results": selectors.versions(transcript)}
        return Response(bodies.VersionsBody(body).data)

    @extend_schema(
        operation_id="rerun_transcript",
        summary="Transcribe its recording once more",
        description="Costs what the first time did, and makes a new version, which is shown once it is done. The "
        "others stay with all their edits. While one run is under way, another is refused.",
        request=serializers.Rerun,
        responses={202: bodies.VersionBody, **dict.fromkeys((402, 409, 429, 503), Error), **REFUSED},
    )
    def post(self, request: Request, ref: str) -> Response:
        transcript, wish = self.transcript(ref), serializers.Rerun(data=request.data)
        wish.is_valid(raise_exception=True)
        made = rerun(self.caller, transcript, wish.options())
        shown = next(each for each in selectors.versions(transcript) if each.number == made.number)
        return Response(bodies.VersionBody(shown).data, 202)


class VersionRestore(AccountView):
    @extend_schema(
        operation_id="restore_version",
        summary="Show another version",
        request=None,
        responses={200: serializers.Detail, 409: Error, **REFUSED},
    )
    def post(self, request: Request, ref: str, number: int) -> Response:
        versions.switch(self.transcript(ref), number)
        return Response(serializers.Detail(self.transcript(ref)).data)
