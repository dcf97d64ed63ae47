from typing import Any

from allauth.account.forms import AddEmailForm
from allauth.account.forms import SignupForm as BaseSignupForm
from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.models import EmailAddress
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


class Trap(forms.TextInput):
    """A field for robots. The base form hides its own by an inline style, which a strict content policy ignores."""

    is_hidden = True

    def __init__(self) -> None:
        super().__init__({"hidden": True, "tabindex": "-1", "autocomplete": "off", "aria-hidden": "true"})


class SignupForm(BaseSignupForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[settings.ACCOUNT_SIGNUP_FORM_HONEYPOT_FIELD].widget = Trap()
        self.fields["email"].widget.attrs |= {"autocomplete": "email", "autofocus": True}

    def try_save(self, request: HttpRequest) -> tuple[AbstractBaseUser | None, HttpResponse | None]:
        if self.account_already_exists:
            # A new account hashes its password, and how long the answer takes must not say which it was.
            make_password(self.cleaned_data["password1"])
        try:
            with transaction.atomic():
                user, response = super().try_save(request)
        except IntegrityError:
            # The button was pressed twice: the first press made the account.
            messages.info(request, "This account was made a moment ago. Sign in to it.")
            return None, redirect(settings.LOGIN_URL)
        return user, response


class ChangeEmailForm(AddEmailForm):  # type: ignore[misc]
    def save(self, request: HttpRequest) -> EmailAddress:
        """The base form removes any address that waits for its confirmation, also the one that a person who never
        confirmed it signs in with: until the new one is confirmed, that account would have none."""
        with transaction.atomic():
            EmailAddress.objects.filter(user=self.user, primary=False).delete()
            wanted: EmailAddress = EmailAddress.objects.create(user=self.user, email=self.cleaned_data["email"])
        send_verification_email_to_address(request, wanted)
        return wanted
