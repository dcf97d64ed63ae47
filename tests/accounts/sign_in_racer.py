"""Tries a wrong password some times over HTTP; prints how often it was looked at, not refused for too many tries."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.test import Client  # noqa: E402

email, password, tries = sys.argv[1], sys.argv[2], int(sys.argv[3])
browser = Client()
sys.stdin.readline()  # all start together
looked_at = 0
for _ in range(tries):
    answer = browser.post("/accounts/login/", {"login": email, "password": password})
    assert answer.status_code in (200, 302), answer.content
    looked_at += answer.status_code == 302 or "Too many" not in answer.content.decode()
print(looked_at)
