"""Run as a program, on the database of DATABASE_URL. Prints JSON.

python -m tests.accounts.buyers begin PRICE COUNT    as many users begin to buy; prints their sessions
python -m tests.accounts.buyers report SECONDS       waits until every event is applied; prints what came of them
"""

# ruff: noqa: E402

import json
import sys
import time
from typing import Any

import django

django.setup()

from accounts.models import PaymentOrder, StripeEvent, User
from accounts.services import checkout, ledger
from accounts.services.audit import audit


def begin(price: str, count: int) -> list[str]:
    for number in range(count):
        user = User.objects.create_user(f"buyer{number}@example.com")
        checkout.begin(user, price, checkout.new_key())
    return [str(each) for each in PaymentOrder.objects.values_list("session_id", flat=True)]


def report(seconds: int) -> dict[str, Any]:
    end = time.monotonic() + seconds
    while StripeEvent.objects.filter(outcome="waiting").exists() and time.monotonic() < end:
        time.sleep(0.2)
    return {
        "events": StripeEvent.objects.count(),
        "outcomes": sorted(set(StripeEvent.objects.values_list("outcome", flat=True))),
        "states": sorted(set(PaymentOrder.objects.values_list("state", flat=True))),
        "paid": [ledger.balance(user).paid_mc for user in User.objects.filter(email__startswith="buyer")],
        "breaches": audit(),
    }


if __name__ == "__main__":
    if sys.argv[1] == "begin":
        print(json.dumps(begin(sys.argv[2], int(sys.argv[3]))))
    else:
        print(json.dumps(report(int(sys.argv[2]))))
