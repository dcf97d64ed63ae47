"""For looking, and for the few things a state machine lets an operator do. What people said is shown nowhere here."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.services import ledger
from stt_site.lib.admin import ReadOnly, Values, age, pill
from stt_site.lib.errors import ServiceError
from transcripts.models import OPEN_STATES, Job, JobState, Media, Transcript, Upload
from transcripts.services import jobs
from transcripts.services.retry import retry

TONES = {
    JobState.QUEUED: "quiet",
    JobState.RUNNING: "work",
    JobState.SUCCEEDED: "ok",
    JobState.FAILED: "bad",
    JobState.CANCELLED: "warn",
}


def minutes(milliseconds: int | None) -> str:
    return "" if milliseconds is None else f"{milliseconds / 60_000:.1f}"


@admin.register(Job)
class JobAdmin(ReadOnly):
    # Without `options`: a vocabulary is its owner's words.
    fields = (
        *("owner", "caller", "media", "origin", "interactive", "state", "phase", "done_ms", "total_ms", "attempts"),
        *("fence", "lease_owner", "lease_until", "not_before", "cancel_requested", "error_code", "error_message"),
        *("reserved_mc", "charged_mc", "tariff", "created_at", "started_at", "finished_at"),
    )
    list_display = ("id", "shown_state", "owner", "minutes", "since", "origin", "attempts", "error_code", "charged")
    list_filter = ("state", "origin", ("error_code", Values))
    list_select_related = ("owner",)
    search_fields = ("=id", "caller", "owner__email")
    date_hierarchy = "created_at"
    ordering = ("-id",)
    actions = ("retry", "cancel")

    @admin.display(description="state", ordering="state")
    def shown_state(self, job: Job) -> SafeString:
        words = job.phase if job.state == JobState.RUNNING else job.state
        stopping = job.cancel_requested and job.state in OPEN_STATES
        return pill("stopping" if stopping else words, TONES[JobState(job.state)])

    @admin.display(description="minutes", ordering="total_ms")
    def minutes(self, job: Job) -> str:
        return minutes(job.total_ms)

    @admin.display(description="age", ordering="-created_at")
    def since(self, job: Job) -> str:
        return age(job.created_at)

    @admin.display(description="charged", ordering="charged_mc")
    def charged(self, job: Job) -> str:
        return ledger.credits_text(job.charged_mc)

    @admin.action(description="Run again what failed or was cancelled", permissions=["act"])
    def retry(self, request: HttpRequest, chosen: QuerySet[Job]) -> None:
        started = 0
        for job in chosen.select_related("owner", "media"):
            try:
                again = retry(job)
            except ServiceError as error:
                self.message_user(request, f"Job {job.pk}: {error.message}", messages.ERROR)
                continue
            self.log_change(request, job, f"Run again as job {again.pk}")
            started += 1
        self.message_user(request, f"Started {started} jobs.", messages.SUCCESS if started else messages.WARNING)

    @admin.action(description="Cancel (nothing is charged)", permissions=["act"])
    def cancel(self, request: HttpRequest, chosen: QuerySet[Job]) -> None:
        running = list(chosen.filter(state__in=OPEN_STATES))
        for job in running:
            jobs.request_cancel(job.pk)
            self.log_change(request, job, "Cancelled")
        self.message_user(request, f"Cancelled {len(running)} jobs.", messages.SUCCESS)

    def has_act_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("transcripts.change_job")


@admin.register(Transcript)
class TranscriptAdmin(ReadOnly):
    # Neither the text nor the names in it.
    fields = (
        *("public_id", "slug", "owner", "media", "job", "language", "language_probability", "duration_ms", "model"),
        *("word_count", "coverage", "created_at", "expires_at"),
    )
    list_display = ("reference", "title", "owner", "minutes", "language", "model", "since")
    list_select_related = ("owner",)
    list_filter = (("language", Values), ("model", Values))
    search_fields = ("=public_id", "=slug", "owner__email")
    date_hierarchy = "created_at"
    ordering = ("-id",)

    @admin.display(description="id", ordering="public_id")
    def reference(self, transcript: Transcript) -> str:
        return transcript.public_id

    @admin.display(description="minutes", ordering="duration_ms")
    def minutes(self, transcript: Transcript) -> str:
        return minutes(transcript.duration_ms)

    @admin.display(description="age", ordering="-created_at")
    def since(self, transcript: Transcript) -> str:
        return age(transcript.created_at)


@admin.register(Media)
class MediaAdmin(ReadOnly):
    exclude = ("peaks",)
    list_display = ("filename", "owner", "megabytes", "format", "minutes", "playback", "since")
    list_select_related = ("owner",)
    list_filter = ("playback",)
    search_fields = ("=key", "owner__email")
    ordering = ("-id",)

    @admin.display(description="MB", ordering="size")
    def megabytes(self, media: Media) -> str:
        return f"{media.size / 1e6:.1f}"

    @admin.display(description="minutes", ordering="duration_ms")
    def minutes(self, media: Media) -> str:
        return minutes(media.duration_ms or media.declared_ms)

    @admin.display(description="age", ordering="-created_at")
    def since(self, media: Media) -> str:
        return age(media.created_at)


@admin.register(Upload)
class UploadAdmin(ReadOnly):
    list_display = ("filename", "owner", "offset", "size", "expires_at")
    list_select_related = ("owner",)
    search_fields = ("owner__email",)
