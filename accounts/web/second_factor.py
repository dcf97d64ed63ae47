"""allauth's forms for codes, which say when to try again and bring up a keyboard of digits."""

from typing import Any

from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from django.conf import settings
from django.core.exceptions import ValidationError

from accounts.services import patience, profile

TRIED_TOO_OFTEN = ("too_many_login_attempts", "rate_limited")


class PatientCode:
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["code"]  # type: ignore[attr-defined]
        field.label = "Code"
        field.widget.attrs |= {"autofocus": True, "inputmode": "numeric"}

    def clean_code(self) -> str:
        try:
            return str(super().clean_code())  # type: ignore[misc]
        except ValidationError as error:
            if error.code not in TRIED_TOO_OFTEN:
                raise
            key = f"mfa-auth-user-{self.user.pk}"  # type: ignore[attr-defined]
            wait = patience.in_words(patience.seconds_left(context.request, "login_failed", key))
            raise ValidationError(f"Too many wrong codes. Try again in {wait}.", code=error.code) from error


class CodeForm(PatientCode, AuthenticateForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = "Code from your app, or a recovery code"


class CodeAgainForm(PatientCode, ReauthenticateForm):  # type: ignore[misc]
    pass


class FirstCodeForm(PatientCode, ActivateTOTPForm):  # type: ignore[misc]
    def clean_code(self) -> str:
        # Whoever signed up with an address of somebody else must not lock that person out of it.
        if settings.EMAIL_HOST and profile.unconfirmed(self.user):
            raise ValidationError("Confirm your e-mail address first: the link is in our mail.")
        return super().clean_code()
