"""What every page of the administration shares."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

REACH = 10_000
"""How many rows of a list can be paged through; the rest is found by searching and filtering."""


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than it reaches: counting every row of a large table takes longer than showing a page."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by()[:REACH].count()


class Bounded(admin.ModelAdmin):  # type: ignore[type-arg]
    show_full_result_count = False
    paginator = BoundedPaginator
    list_per_page = 50


class ReadOnly(Bounded):
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Values(admin.AllValuesFieldListFilter):
    """The values of a text column. The empty one has a name too, else its link is a link without words."""

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        for choice in super().choices(changelist):
            yield {**choice, "display": choice["display"] or "none"}


def pill(state: str, tone: str) -> SafeString:
    """`tone` is one of ok, work, warn, bad, quiet (static/css/admin.css)."""
    return format_html('<span class="state state--{}">{}</span>', tone, state)


def age(moment: datetime | None) -> str:
    """ "5 min", "3 h", "12 d": how long ago."""
    if moment is None:
        return "–"
    minutes = int((timezone.now() - moment).total_seconds()) // 60
    if minutes < 60:
        return f"{max(minutes, 0)} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} d"
