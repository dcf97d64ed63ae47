import secrets
from typing import ClassVar

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.db.models import Model, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.models import (
    Account,
    ApiKey,
    CloudInstance,
    CreditLot,
    Entry,
    PaymentOrder,
    Reconciliation,
    Reservation,
    StripeEvent,
    Subscription,
    Transfer,
    User,
)
from accounts.services import api_keys, erasure, ledger, months, profile
from stt_site.lib.admin import BoundedPaginator, ReadOnly, age, pill
from stt_site.lib.errors import ServiceError


class UserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email",)

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class ActionFields(ActionForm):
    """Stand beside the list of actions, all of which they are sent with: so they refuse nothing themselves."""

    minutes = forms.CharField(required=False, widget=forms.NumberInput({"min": 1}))
    reason = forms.CharField(required=False)
    token = forms.CharField(required=False, label="", widget=forms.HiddenInput, initial=lambda: secrets.token_hex(8))


class GrantForm(forms.Form):
    """`token` makes a form that is sent twice grant once."""

    minutes = forms.IntegerField(min_value=1, max_value=10_000_000)
    reason = forms.CharField(max_length=500)
    token = forms.CharField(max_length=64)


@admin.register(User)
class UserAdmin(BaseUserAdmin):  # type: ignore[type-arg]
    add_form = UserForm
    action_form = ActionFields
    actions = ("grant_minutes", "suspend", "reinstate", "revoke_keys", "remove_second_step", "erase")
    show_full_result_count = False
    paginator = BoundedPaginator
    list_per_page = 50
    ordering = ("email",)
    list_display = ("email", "name", "state", "used_this_month", "is_staff", "since", "last_seen")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "name", "=id")
    date_hierarchy = "date_joined"
    readonly_fields = ("date_joined", "last_login", "credits", "erasing_since")
    fieldsets = (
        (None, {"fields": ("email", "name", "password", "credits")}),
        ("Permissions", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Mail", {"fields": ("mail_product_updates", "mail_transcript_ready", "mail_low_credits")}),
        ("Dates", {"fields": ("date_joined", "last_login", "erasing_since")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "usable_password", "password1", "password2")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        closed = Reservation.objects.filter(
            owner_id=OuterRef("pk"), closed_at__gte=months.start(timezone.now())
        ).order_by()
        used = Subquery(closed.values("owner_id").annotate(total=Sum("charged_mc")).values("total"))
        users: QuerySet[User] = super().get_queryset(request)
        return users.annotate(used_mc=Coalesce(used, 0))

    @admin.display(description="state", ordering="is_active")
    def state(self, user: User) -> SafeString:
        if user.erasing_since:
            return pill("Being erased", "warn")
        return pill("Active", "ok") if user.is_active else pill("Suspended", "bad")

    @admin.display(description="min, month", ordering="used_mc")
    def used_this_month(self, user: User) -> str:
        return ledger.credits_text(getattr(user, "used_mc", 0))

    @admin.display(description="signed in", ordering="last_login")
    def last_seen(self, user: User) -> str:
        return age(user.last_login)

    @admin.display(description="age", ordering="-date_joined")
    def since(self, user: User) -> str:
        return age(user.date_joined)

    @admin.display(description="credits left")
    def credits(self, user: User) -> str:
        balance = ledger.balance(user)
        free, paid, held = (ledger.credits_text(mc) for mc in (balance.free_mc, balance.paid_mc, balance.held_mc))
        return f"{free} of this month, {paid} without an end, {held} held by running work"

    @admin.action(description="Grant minutes (say how many, and why)", permissions=["grant"])
    def grant_minutes(self, request: HttpRequest, users: QuerySet[User]) -> None:
        form = GrantForm(request.POST)
        if not form.is_valid():
            message = "Nothing was granted: say how many minutes, a whole number from 1, and the reason."
            self.message_user(request, message, messages.ERROR)
            return
        minutes, reason = form.cleaned_data["minutes"], form.cleaned_data["reason"]
        for user in users:
            amount_mc = minutes * ledger.MILLICREDITS
            # A number, not an address: the ledger outlives the accounts of those who write into it.
            ledger.grant(
                user, amount_mc, actor=f"user:{request.user.pk}", reason=reason, key=form.cleaned_data["token"]
            )
            self.log_change(request, user, f"Granted {minutes} minutes: {reason}")
        self.message_user(request, f"Granted {minutes} minutes to {len(users)} accounts.", messages.SUCCESS)

    @admin.action(description="Suspend: sign out, and refuse sign-in and keys", permissions=["change"])
    def suspend(self, request: HttpRequest, users: QuerySet[User]) -> None:
        others = [user for user in users if user.pk != request.user.pk]
        for user in others:
            profile.suspend(user)
            self.log_change(request, user, f"Suspended. {request.POST.get('reason', '')}".strip())
        self.message_user(request, f"Suspended {len(others)} accounts.", messages.SUCCESS)
        if len(others) < len(users):
            self.message_user(request, "Your own account stays open: nobody could open it again.", messages.WARNING)

    @admin.action(description="Reinstate: allow sign-in and keys again", permissions=["change"])
    def reinstate(self, request: HttpRequest, users: QuerySet[User]) -> None:
        count = sum(profile.reinstate(user) for user in users)
        self.message_user(request, f"Reinstated {count} accounts.", messages.SUCCESS)

    @admin.action(description="Revoke all API keys", permissions=["revoke"])
    def revoke_keys(self, request: HttpRequest, users: QuerySet[User]) -> None:
        keys = [key for user in users for key in api_keys.active_keys(user)]
        for key in keys:
            api_keys.revoke(key)
        for user in users:
            self.log_change(request, user, "Revoked all API keys")
        self.message_user(request, f"Revoked {len(keys)} keys.", messages.SUCCESS)

    @admin.action(description="Turn the second step off (the phone is lost)", permissions=["change"])
    def remove_second_step(self, request: HttpRequest, users: QuerySet[User]) -> None:
        if not request.POST.get("reason", "").strip():
            message = "Nothing was changed: say how you know that it is the owner who asks."
            self.message_user(request, message, messages.ERROR)
            return
        for user in users:
            Authenticator.objects.filter(user=user).delete()
            self.log_change(request, user, f"Turned the second step off: {request.POST['reason']}")
        self.message_user(request, f"Turned the second step off for {len(users)} accounts.", messages.SUCCESS)

    @admin.action(description="Close and erase for good (say why)", permissions=["erase"])
    def erase(self, request: HttpRequest, users: QuerySet[User]) -> None:
        if not request.POST.get("reason", "").strip():
            self.message_user(request, "Nothing was erased: say why.", messages.ERROR)
            return
        for user in users:
            try:
                erasure.close(user)
            except ServiceError as error:
                self.message_user(request, f"{user.email}: {error.message}", messages.ERROR)
                continue
            self.message_user(request, f"Account {user.pk} is closed; the rest goes within minutes.", messages.SUCCESS)

    def has_grant_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.add_creditlot")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_apikey")

    def has_erase_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.delete_user")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Deleting the row would leave the files behind; there is an action for it."""
        return False


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnly):
    fields = ("user", "name", "display", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_display = ("display", "name", "user", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("user",)
    search_fields = ("key_id", "name", "user__email")
    actions = ("revoke",)

    @admin.action(description="Revoke the selected keys", permissions=["revoke"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        for key in keys:
            api_keys.revoke(key)
        self.message_user(request, f"Revoked {len(keys)} keys.", messages.SUCCESS)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_apikey")


class TransferInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Transfer
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Entry)
class EntryAdmin(ReadOnly):
    inlines: ClassVar = [TransferInline]
    list_display = ("created_at", "kind", "owner_id", "reference", "actor", "memo")
    list_filter = ("kind",)
    search_fields = ("reference", "idem_key", "=owner_id")
    date_hierarchy = "created_at"


@admin.register(Account)
class AccountAdmin(ReadOnly):
    list_display = ("owner_id", "kind", "lot_id", "balance")
    list_filter = ("kind",)
    search_fields = ("=owner_id",)


@admin.register(CreditLot)
class CreditLotAdmin(ReadOnly):
    list_display = ("owner_id", "source", "reference", "granted_mc", "expires_at", "created_at")
    list_filter = ("source",)
    search_fields = ("=owner_id", "reference")


@admin.register(Reservation)
class ReservationAdmin(ReadOnly):
    list_display = ("reference", "paid_for", "source", "owner_id", "state", "amount_mc", "charged_mc", "closed_at")
    list_filter = ("state", "source")
    search_fields = ("=reference", "=paid_for", "=owner_id", "=api_key_id")


@admin.register(PaymentOrder)
class PaymentOrderAdmin(ReadOnly):
    list_display = (
        "key",
        "owner_id",
        "name",
        "state",
        "amount_minor",
        "currency",
        "amount_mc",
        "taken_back_mc",
        "paid_at",
    )
    list_filter = ("state", "kind", "livemode")
    search_fields = ("=key", "=owner_id", "=payment_intent", "=session_id")
    date_hierarchy = "created_at"


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnly):
    list_display = ("stripe_id", "owner_id", "name", "status", "cancels", "period_end")
    list_filter = ("status", "livemode")
    search_fields = ("=stripe_id", "=owner_id")


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnly):
    """Those that were refused are money that fits no order: the note says what to do about it."""

    list_display = ("received_at", "type", "object_id", "outcome", "note", "attempts")
    list_filter = ("outcome", "type", "livemode")
    search_fields = ("=event_id", "=object_id")
    date_hierarchy = "received_at"


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnly):
    list_display = ("started_at", "finished_at", "days", "seen", "missed", "error")


@admin.register(CloudInstance)
class CloudInstanceAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Kept by hand: what stands here is what the account reads at /api/v1/cloud/."""

    list_display = ("name", "user", "region", "status", "gpu", "endpoint", "created_at")
    list_filter = ("status", "region")
    list_select_related = ("user",)
    search_fields = ("name", "user__email")
    autocomplete_fields = ("user",)
    show_full_result_count = False
