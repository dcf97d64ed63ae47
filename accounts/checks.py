"""What a wrong configuration is told before it hurts: each with an id and what to do."""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Info, Tags, register
from django.db import connection


@register(Tags.security)
def check_addresses(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for proxy in settings.TRUSTED_PROXIES:
        if proxy == "unix":
            continue
        try:
            ipaddress.ip_network(proxy, strict=False)
        except ValueError:
            hint = "List addresses or networks such as 10.0.0.0/8, separated by commas, or the word unix."
            found.append(
                Error(f"STT_TRUSTED_PROXIES has {proxy!r}, which is no network.", hint=hint, id="accounts.E001")
            )
    return found


@register(Tags.security)
def check_https(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.DEBUG and settings.HTTPS:
        hint = "Unset STT_DEBUG: its error pages show settings and data to everybody."
        return [checks.Warning("Debugging is on where the site is public over HTTPS.", hint=hint, id="accounts.W001")]
    return []


@register(Tags.database)
def check_database(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if connection.vendor not in ("sqlite", "postgresql"):
        hint = "Point DATABASE_URL at PostgreSQL, or leave it out for SQLite."
        return [Error(f"The ledger cannot be kept safe on {connection.vendor}.", hint=hint, id="accounts.E002")]
    return []


@register(deploy=True)
def check_mail(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.EMAIL_HOST and urlsplit(settings.SITE_URL).hostname == "localhost":
        hint = "Set STT_SITE_URL to the address that people use."
        return [checks.Warning("The links in messages lead to localhost.", hint=hint, id="accounts.W002")]
    if settings.EMAIL_HOST:
        return []
    hint = "Set STT_EMAIL_HOST and its siblings; until then messages, password resets too, go to the log."
    return [Info("No mail server is configured.", hint=hint, id="accounts.I001")]


@register(Tags.security)
def check_verification(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    chosen = settings.ACCOUNT_EMAIL_VERIFICATION
    if chosen not in ("mandatory", "optional"):
        hint = "Set it to mandatory or optional, or leave it out."
        return [Error(f"STT_EMAIL_VERIFICATION is {chosen!r}.", hint=hint, id="accounts.E003")]
    if chosen == "mandatory" and not settings.EMAIL_HOST:
        hint = "Set STT_EMAIL_HOST, or STT_EMAIL_VERIFICATION=optional."
        return [checks.Warning("Addresses must be confirmed, and no mail can be sent.", hint=hint, id="accounts.W003")]
    return []
