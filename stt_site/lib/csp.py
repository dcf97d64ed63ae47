"""The Content-Security-Policy of every answer: our own files only, nothing inline."""

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache

from django.http import HttpRequest, HttpResponseBase
from django.template.loader import get_template
from django.utils.deprecation import MiddlewareMixin

POLICY = (
    "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; object-src 'none'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)


def forms_may_lead_to(response: HttpResponseBase, origins: Sequence[str]) -> None:
    """Browsers hold a form's redirects, too, to form-action."""
    response.headers["Content-Security-Policy"] = " ".join([POLICY, *origins])


class ContentSecurityPolicy(MiddlewareMixin):
    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        policy = f"{POLICY}; style-src 'self' {_own_style()}" if response.status_code == 500 else POLICY
        response.headers.setdefault("Content-Security-Policy", policy)
        return response


@cache
def _own_style() -> str:
    """500.html carries its style in itself, because the static files may be what is broken."""
    styles = re.findall(r"<style>(.*?)</style>", get_template("500.html").render(), re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in styles)
    return " ".join(f"'sha256-{digest}'" for digest in digests)
