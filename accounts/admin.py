import secrets
from typing import ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts.models import (
    Account,
    ApiKey,
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
from accounts.services import api_keys, ledger


class UserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email",)

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class GrantFields(ActionForm):
    """Stand beside the list of actions, all of which they are sent with: so they refuse nothing themselves."""

    minutes = forms.CharField(required=False, widget=forms.NumberInput({"min": 1}))
    reason = forms.CharField(required=False)
    token = forms.CharField(required=False, widget=forms.HiddenInput, initial=lambda: secrets.token_hex(8))


class GrantForm(forms.Form):
    """`token` makes a form that is sent twice grant once."""

    minutes = forms.IntegerField(min_value=1, max_value=10_000_000)
    reason = forms.CharField(max_length=500)
    token = forms.CharField(max_length=64)


@admin.register(User)
class UserAdmin(BaseUserAdmin):  # type: ignore[type-arg]
    add_form = UserForm
    action_form = GrantFields
    actions = ("grant_minutes",)
    ordering = ("email",)
    list_display = ("email", "name", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "name")
    date_hierarchy = "date_joined"
    readonly_fields = ("date_joined", "last_login", "credits")
    fieldsets = (
        (None, {"fields": ("email", "name", "password", "credits")}),
        ("Permissions", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Mail", {"fields": ("mail_product_updates", "mail_transcript_ready", "mail_low_credits")}),
        ("Dates", {"fields": ("date_joined", "last_login")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "usable_password", "password1", "password2")}),)

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
        actor = request.user.email if isinstance(request.user, User) else "administrator"
        for user in users:
            amount_mc = minutes * ledger.MILLICREDITS
            ledger.grant(user, amount_mc, actor=actor, reason=reason, key=form.cleaned_data["token"])
            self.log_change(request, user, f"Granted {minutes} minutes: {reason}")
        self.message_user(request, f"Granted {minutes} minutes to {len(users)} accounts.", messages.SUCCESS)

    def has_grant_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.add_creditlot")


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
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
class EntryAdmin(ReadOnlyAdmin):
    inlines: ClassVar = [TransferInline]
    list_display = ("created_at", "kind", "owner_id", "reference", "actor", "memo")
    list_filter = ("kind",)
    search_fields = ("reference", "idem_key", "=owner_id")
    date_hierarchy = "created_at"


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("owner_id", "kind", "lot_id", "balance")
    list_filter = ("kind",)
    search_fields = ("=owner_id",)


@admin.register(CreditLot)
class CreditLotAdmin(ReadOnlyAdmin):
    list_display = ("owner_id", "source", "reference", "granted_mc", "expires_at", "created_at")
    list_filter = ("source",)
    search_fields = ("=owner_id", "reference")


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    list_display = ("reference", "paid_for", "source", "owner_id", "state", "amount_mc", "charged_mc", "closed_at")
    list_filter = ("state", "source")
    search_fields = ("=reference", "=paid_for", "=owner_id", "=api_key_id")


@admin.register(PaymentOrder)
class PaymentOrderAdmin(ReadOnlyAdmin):
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
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = ("stripe_id", "owner_id", "name", "status", "cancels", "period_end")
    list_filter = ("status", "livemode")
    search_fields = ("=stripe_id", "=owner_id")


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    """Those that were refused are money that fits no order: the note says what to do about it."""

    list_display = ("received_at", "type", "object_id", "outcome", "note", "attempts")
    list_filter = ("outcome", "type", "livemode")
    search_fields = ("=event_id", "=object_id")
    date_hierarchy = "received_at"


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyAdmin):
    list_display = ("started_at", "finished_at", "days", "seen", "missed", "error")
