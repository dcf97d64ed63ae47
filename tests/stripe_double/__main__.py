"""A Stripe to try the billing page with, on this machine and without money. See docs/billing.md.

python -m tests.stripe_double --webhook http://localhost:8000/stripe/webhook/ --pack 300=900 --plan 1200=2400
"""

import argparse
import time

from tests.stripe_double.server import SECRET, running, send
from tests.stripe_double.world import Object


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=12111)
    parser.add_argument("--webhook", default="", help="where to send events; without it, none are sent")
    parser.add_argument("--pack", action="append", default=[], help="MINUTES=CENTS")
    parser.add_argument("--plan", action="append", default=[], help="MINUTES=CENTS, a month")
    options = parser.parse_args()
    with running(options.port) as double:
        for interval, sold in (("", options.pack), ("month", options.plan)):
            for minutes, _, cents in (each.partition("=") for each in sold):
                double.world.price(int(cents), minutes, name=f"{minutes} minutes", interval=interval)
        print("Start the server with these:")
        print(f"STT_STRIPE_API={double.address} STT_STRIPE_PAGES={double.address}", end=" ")
        print(f"STT_STRIPE_SECRET_KEY={double.world.key} STT_STRIPE_WEBHOOK_SECRET={SECRET}", flush=True)
        _deliver(double.world.events, options.webhook)


def _deliver(events: list[Object], address: str) -> None:
    sent = 0
    while True:
        time.sleep(0.2)
        for event in events[sent:] if address else ():
            print(event["type"], send(event, address), flush=True)
            sent += 1


if __name__ == "__main__":
    main()
