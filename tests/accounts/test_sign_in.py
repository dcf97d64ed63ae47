import re

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
SIGN_UP = {"email": "Dora@Example.com", "password1": PASSWORD}


def test_signing_up_takes_an_address_and_a_password_and_lets_in_at_once(client: Client) -> None:
    response = client.post("/accounts/signup/", SIGN_UP)
    assert response.status_code == 302
    assert response["Location"] == "/transcripts/"
    user = User.objects.get()
    assert user.email == "dora@example.com"
    assert client.session["_auth_user_id"] == str(user.pk)
    assert mail.outbox[0].to == ["dora@example.com"]
    assert "/accounts/confirm-email/" in mail.outbox[0].body


def test_the_form_tells_password_managers_what_its_fields_are(client: Client) -> None:
    page = client.get("/accounts/signup/").content.decode()
    assert re.search(r'<input[^>]*name="email"[^>]*autocomplete="email"', page)
    assert re.search(r'<input[^>]*name="password1"[^>]*autocomplete="new-password"', page)
    assert re.search(
        r'<input[^>]*name="password"[^>]*autocomplete="current-password"',
        client.get("/accounts/login/").content.decode(),
    )


def test_a_robot_that_fills_every_field_gets_no_account(client: Client) -> None:
    page = client.get("/accounts/signup/").content.decode()
    trap = re.search(r'<input[^>]*name="website"[^>]*>', page)
    assert trap
    assert " hidden" in trap[0]
    assert "style=" not in trap[0]
    response = client.post("/accounts/signup/", SIGN_UP | {"website": "https://spam.example"})
    assert response.status_code == 302
    assert not User.objects.exists()


@pytest.mark.parametrize("password", ["short", "12345678901", "dora@example.com"])
def test_a_weak_password_is_refused_with_a_reason(client: Client, password: str) -> None:
    response = client.post("/accounts/signup/", SIGN_UP | {"password1": password})
    assert response.status_code == 200
    assert response.context["form"].errors["password1"]
    assert not User.objects.exists()


def test_an_address_has_one_account_however_it_is_written(client: Client, alice: User) -> None:
    response = client.post("/accounts/signup/", SIGN_UP | {"email": "ALICE@example.com"})
    assert response.context["form"].errors["email"]
    assert User.objects.count() == 1


def test_signing_in_works_with_any_case_of_the_address(client: Client, alice: User) -> None:
    response = client.post("/accounts/login/", {"login": "Alice@Example.COM", "password": PASSWORD})
    assert response.status_code == 302
    assert client.session["_auth_user_id"] == str(alice.pk)


def test_a_wrong_password_and_an_unknown_address_look_the_same(client: Client, alice: User) -> None:
    answers = [
        client.post("/accounts/login/", {"login": address, "password": "wrong"}).context["form"].errors
        for address in ("alice@example.com", "nobody@example.com")
    ]
    assert answers[0] == answers[1]
    assert answers[0]


def test_a_reset_answers_the_same_for_known_and_unknown_addresses(client: Client, alice: User) -> None:
    answers = [
        client.post("/accounts/password/reset/", {"email": address}, follow=True).content
        for address in ("alice@example.com", "nobody@example.com")
    ]
    assert answers[0] == answers[1]
    # Both are written to, so that the answer takes the same time; only one is given a link.
    known, unknown = mail.outbox
    assert (known.to, unknown.to) == (["alice@example.com"], ["nobody@example.com"])
    assert "/password/reset/key/" in known.body
    assert "/password/reset/key/" not in unknown.body


def test_a_reset_link_works_once_and_for_an_hour(client: Client, alice: User, settings: Settings) -> None:
    assert settings.PASSWORD_RESET_TIMEOUT == 3600
    client.post("/accounts/password/reset/", {"email": "alice@example.com"})
    link = re.search(r"https?://[^/]+(/accounts/password/reset/key/\S+)", str(mail.outbox[0].body))
    assert link
    elsewhere = Client()
    form = elsewhere.get(link[1])
    assert form.status_code == 302
    new = {"password1": "another long password", "password2": "another long password"}
    assert elsewhere.post(form["Location"], new).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password("another long password")
    again = Client().get(link[1], follow=True)
    assert b"another" not in again.content
    assert "form" not in again.context or again.context.get("token_fail")


def test_guessing_passwords_is_stopped(client: Client, alice: User) -> None:
    for _ in range(5):
        client.post("/accounts/login/", {"login": "alice@example.com", "password": "wrong"})
    client.post("/accounts/login/", {"login": "alice@example.com", "password": PASSWORD})
    assert "_auth_user_id" not in client.session


def test_a_made_up_forwarded_address_does_not_start_a_new_count(client: Client, alice: User) -> None:
    """Ten failures a minute from one address, whichever accounts they are for."""
    statuses = [
        client.post(
            "/accounts/login/",
            {"login": f"user{number}@example.com", "password": "wrong"},
            headers={"X-Forwarded-For": f"198.51.100.{number}"},
        )
        .context["form"]
        .errors.as_text()
        for number in range(12)
    ]
    assert statuses[0] != statuses[-1]
    assert "Too many" in statuses[-1]


def test_signing_out_needs_a_press_of_the_button(client: Client, alice: User) -> None:
    client.force_login(alice)
    client.get("/accounts/logout/")
    assert "_auth_user_id" in client.session
    client.post("/accounts/logout/")
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(
    ("path", "email"), [("/accounts/password/reset/", "alice@example.com"), ("/accounts/signup/", "dora@example.com")]
)
@pytest.mark.usefixtures("alice")
def test_a_forged_host_gets_no_link_into_a_message(client: Client, settings: Settings, path: str, email: str) -> None:
    settings.SITE_URL = "https://steno.example"
    client.post(path, {"email": email, "password1": PASSWORD}, headers={"Host": "evil.example"})
    message = f"{mail.outbox[0].subject}\n{mail.outbox[0].body}"
    assert "https://steno.example/accounts/" in message
    assert "evil.example" not in message


def test_the_administration_is_entered_by_the_door_that_counts_attempts(client: Client) -> None:
    assert client.get("/admin/")["Location"] == "/admin/login/?next=/admin/"
    assert client.get("/admin/login/?next=/admin/")["Location"] == "/accounts/login/?next=%2Fadmin%2F"
    answer = client.post("/admin/login/", {"username": "a@example.com", "password": "guess"})
    assert answer["Location"].startswith("/accounts/login/")


@pytest.fixture
def mailing(settings: Settings) -> None:
    """As the settings are where a mail server is configured."""
    settings.EMAIL_HOST = "mail.example.com"
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"


@pytest.mark.usefixtures("mailing", "alice")
def test_where_mail_works_signing_up_does_not_tell_who_has_an_account(client: Client) -> None:
    pages = []
    for email in ("dora@example.com", "alice@example.com"):
        browser = Client()
        answer = browser.post("/accounts/signup/", SIGN_UP | {"email": email})
        assert answer["Location"] == "/accounts/confirm-email/"
        pages.append(browser.get(answer["Location"]).content.decode().replace(email, "…"))
        assert browser.get("/account/").status_code == 302
    assert pages[0] == pages[1]
    new, known = mail.outbox
    assert "/accounts/confirm-email/" in new.body
    assert known.to == ["alice@example.com"]
    assert "/accounts/password/reset/" in known.body
    assert User.objects.count() == 2


@pytest.mark.usefixtures("mailing")
def test_the_link_confirms_and_signs_in_and_leads_on(client: Client) -> None:
    client.post("/accounts/signup/", SIGN_UP | {"next": "/keep/"})
    link = re.search(r"https?://[^/]+(/accounts/confirm-email/\S+)", str(mail.outbox[0].body))
    assert link
    assert client.get("/account/").status_code == 302
    assert client.post(link[1])["Location"] == "/keep/"
    assert client.get("/account/").status_code == 200
    # On another device it confirms, and the password is asked for there.
    elsewhere = Client()
    elsewhere.post(link[1])
    assert elsewhere.get("/account/").status_code == 302


@pytest.mark.usefixtures("mailing", "alice")
def test_refusals_take_the_same_work_whether_or_not_the_account_exists(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashing a password is what takes long; the times themselves would tell nothing on a busy machine."""
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)

    def work(path: str, form: dict[str, str]) -> int:
        hashed.clear()
        Client().post(path, form)
        return len(hashed)

    for path, field in (("/accounts/login/", "login"), ("/accounts/signup/", "email")):
        known, unknown = (
            work(path, {field: email, "password": "wrong", "password1": PASSWORD})
            for email in ("alice@example.com", "nobody@example.com")
        )
        assert known == unknown > 0, path


@pytest.mark.parametrize("path", ["/accounts/signup/", "/accounts/password/reset/"])
@pytest.mark.usefixtures("mailing", "alice")
def test_a_mail_server_that_is_down_is_said(client: Client, settings: Settings, path: str) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    answer = client.post(path, {"email": "alice@example.com", "password1": PASSWORD})
    assert answer.status_code == 503
    assert "The mail server does not answer" in answer.content.decode()


def test_too_many_tries_say_when_to_come_back(client: Client, alice: User) -> None:
    for _ in range(5):
        client.post("/accounts/login/", {"login": "alice@example.com", "password": "wrong"})
    answer = client.post("/accounts/login/", {"login": "alice@example.com", "password": PASSWORD})
    assert "Too many wrong passwords. Try again in 5 minutes." in answer.content.decode()
    for _ in range(25):
        answer = client.post("/accounts/login/", {"login": "x", "password": "wrong"})
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 60
    assert "Too many tries from here. Nothing was changed; try again in" in answer.content.decode()


def test_what_the_form_does_not_ask_for_is_not_taken(client: Client) -> None:
    client.post("/accounts/signup/", SIGN_UP | {"is_staff": "1", "is_superuser": "1", "name": "root", "credits": "9"})
    user = User.objects.get()
    assert (user.is_staff, user.is_superuser, user.name) == (False, False, "")
    client.post("/account/", {"section": "name", "name": "Dora", "is_staff": "1", "email": "root@example.com"})
    user.refresh_from_db()
    assert (user.is_staff, user.email, user.name) == (False, "dora@example.com", "Dora")
