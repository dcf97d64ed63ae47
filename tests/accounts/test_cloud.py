"""/api/v1/cloud/: what the administrator wrote down for the account, and nothing else."""

import pytest
from django.test import Client

from accounts.models import CloudInstance, User
from accounts.services import api_keys
from tests.accounts.test_api import Api
from tests.conftest import Clock

pytestmark = pytest.mark.django_db


def test_an_account_without_machines_has_an_empty_list(alice: User, bob: User, alice_key: str) -> None:
    CloudInstance.objects.create(user=bob, name="bob-1", region="eu-north")
    assert Api(alice_key)("GET", "cloud/") == (200, {"results": [], "count": 0})


def test_its_machines_are_listed_oldest_first(alice: User, alice_key: str, clock: Clock) -> None:
    first = CloudInstance.objects.create(
        user=alice,
        name="alice-1",
        region="eu-north",
        status=CloudInstance.Status.RUNNING,
        gpu="L4",
        endpoint="https://alice-1.example.org",
    )
    clock.advance(days=1)
    CloudInstance.objects.create(user=alice, name="alice-2", region="eu-west")
    status, body = Api(alice_key)("GET", "cloud/")
    assert (status, body["count"]) == (200, 2)
    assert body["results"][0] == {
        "id": first.pk,
        "name": "alice-1",
        "region": "eu-north",
        "status": "running",
        "gpu": "L4",
        "endpoint": "https://alice-1.example.org",
        "created_at": "2026-11-21T12:00:00Z",
    }
    assert (body["results"][1]["name"], body["results"][1]["status"]) == ("alice-2", "provisioning")


def test_it_is_only_read_and_only_with_the_right_to(alice: User, alice_key: str) -> None:
    assert Api()("GET", "cloud/")[0] == 401
    assert Api(alice_key)("POST", "cloud/", {"name": "mine"})[0] == 405
    _, sends_only = api_keys.create_key(alice, "Only sends", ["transcribe"])
    assert Api(sends_only)("GET", "cloud/")[0] == 403


def test_the_administrator_keeps_the_list(admin_client: Client, alice: User, alice_key: str) -> None:
    form = {"user": alice.pk, "name": "alice-1", "region": "eu-north", "status": "running", "gpu": "", "endpoint": ""}
    assert admin_client.post("/admin/accounts/cloudinstance/add/", form).status_code == 302
    assert Api(alice_key)("GET", "cloud/")[1]["count"] == 1
