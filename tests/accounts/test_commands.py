import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import api_keys, ledger
from tests.accounts.scratch import ROOT
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def output(command: str, *arguments: str) -> str:
    stdout = io.StringIO()
    call_command(command, *arguments, stdout=stdout)
    return stdout.getvalue()


def test_create_api_key_prints_a_working_key_and_nothing_else() -> None:
    printed = output("create_api_key", "--email", "New@Example.com", "--credits", "100")
    key = api_keys.find(printed.removesuffix("\n"))
    assert key is not None
    assert key.user.email == "new@example.com"
    assert not key.user.has_usable_password()
    assert ledger.balance(key.user).paid_mc == 100_000


def test_create_api_key_takes_the_account_that_is_there(alice: User) -> None:
    output("create_api_key", "--email", "alice@example.com", "--scopes", "read")
    key = alice.api_keys.get()
    assert key.scopes == ["read"]
    assert ledger.balance(alice).paid_mc == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("--email", "nobody"),
        ("--email", "a@example.com", "--credits", "many"),
        ("--email", "a@example.com", "--credits", "-1"),
        ("--email", "a@example.com", "--credits", "nan"),
        ("--email", "a@example.com", "--credits", "1e99"),
        ("--email", "a@example.com", "--name", ""),
    ],
)
def test_create_api_key_refuses_nonsense_and_leaves_nothing(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        output("create_api_key", *arguments)
    assert not User.objects.exists()


def test_the_first_administrator_is_made_once_and_can_sign_in(settings: Settings) -> None:
    settings.ADMIN_EMAIL = "admin@localhost"
    lines = dict(line.split(": ") for line in output("ensure_admin").splitlines())
    assert lines["e-mail"] == "admin@localhost"
    client = Client()
    response = client.post("/accounts/login/", {"login": lines["e-mail"], "password": lines["password"]})
    assert response.status_code == 302
    assert client.get("/admin/").status_code == 200
    assert output("ensure_admin") == ""
    assert User.objects.count() == 1


def test_whoever_signed_up_as_the_administrator_does_not_become_one(settings: Settings) -> None:
    settings.ADMIN_EMAIL = "admin@localhost"
    User.objects.create_user("admin@localhost", PASSWORD)
    with pytest.raises(CommandError, match="STT_ADMIN_EMAIL"):
        output("ensure_admin")
    assert not User.objects.filter(is_superuser=True).exists()


def test_a_wrong_proxy_is_an_error_with_a_hint(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8", "unix", "my-proxy"]
    (found,) = [message for message in run_checks() if message.id == "accounts.E001"]
    assert "my-proxy" in found.msg
    assert found.hint


def test_debugging_in_public_is_a_warning(settings: Settings) -> None:
    settings.DEBUG = settings.HTTPS = True
    assert "accounts.W001" in {message.id for message in run_checks()}
    settings.DEBUG = False
    assert "accounts.W001" not in {message.id for message in run_checks()}


def test_a_server_without_mail_is_told_so_before_deployment(settings: Settings) -> None:
    settings.EMAIL_HOST = ""
    assert "accounts.I001" in {message.id for message in run_checks(include_deployment_checks=True)}
    assert "accounts.I001" not in {message.id for message in run_checks()}


def test_a_deployment_over_https_has_nothing_to_be_warned_of(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "stt_site.settings",
        "STT_DATA_DIR": str(tmp_path),
        "STT_SITE_URL": "https://steno.example",
        "STT_EMAIL_HOST": "mail.example",
        "STT_ALLOWED_HOSTS": "steno.example",
    }
    # The browser's tests set it for their own process, which may be this one.
    environment.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
