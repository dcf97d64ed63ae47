"""For looking, not for doing: the rows belong to a state machine, and money hangs on them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from transcripts.models import Job, Media, Transcript, Upload


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Job)
class JobAdmin(ReadOnly):
    list_display = ("id", "caller", "origin", "state", "phase", "attempts", "error_code", "created_at")
    list_filter = ("state", "origin", "error_code")
    search_fields = ("caller",)


@admin.register(Transcript)
class TranscriptAdmin(ReadOnly):
    list_display = ("public_id", "title", "owner", "language", "model", "created_at")
    search_fields = ("public_id", "slug", "title")


@admin.register(Media)
class MediaAdmin(ReadOnly):
    list_display = ("filename", "owner", "size", "format", "duration_ms", "playback", "created_at")
    list_filter = ("playback",)


@admin.register(Upload)
class UploadAdmin(ReadOnly):
    list_display = ("filename", "owner", "offset", "size", "expires_at")
