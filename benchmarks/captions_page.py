"""Does the captions page grow? A real Chromium whose microphone hears a file over and over, at the pace of speech.

    python -m benchmarks.captions_page [--minutes 30]

Every five minutes, after a garbage collection: nodes in the document and bytes on its heap, the lines that were said,
and how far the first letter of the captions has moved within its window.
"""

# ruff: noqa: E402

import argparse
import os
import sys
import tempfile
from pathlib import Path

import django
import numpy as np

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from benchmarks.pipeline import machine
from tests.conftest import PASSWORD
from tests.e2e.captions import as_a_microphone_hears, first_letter, hearing
from tests.e2e.conftest import sign_in
from tests.engine.speech import silence, talk
from tests.live import NAMES, running

EMAIL = "speaker@example.org"
MEMBER = f"""
from accounts.models import User
from accounts.services import ledger
user = User.objects.create_user("{EMAIL}", "{PASSWORD}")
ledger.grant(user, 1_000_000, actor="benchmark", reason="benchmark")
"""
EVERY = 5


def measure(folder: Path, minutes: int) -> None:
    once = np.concatenate([np.concatenate([talk((name,)), silence(2.0)]) for name in NAMES])
    again = -(-minutes * 60 * 16_000 // len(once)) + 1
    sound = as_a_microphone_hears(folder / "microphone.wav", np.tile(once, again))
    with running(folder) as product, hearing(sound) as browser:
        product.manage("shell", "--no-imports", "-c", MEMBER)
        page = browser.new_context(permissions=["microphone"]).new_page()
        sign_in(page, product.address, EMAIL)
        page.goto(f"{product.address}/live/")
        page.wait_for_selector("main[data-live=ready]")
        page.get_by_label("Language").select_option("en")
        page.get_by_role("button", name="Start").click()
        page.wait_for_selector("main[data-state=listening]")
        devtools = page.context.new_cdp_session(page)
        devtools.send("Performance.enable")
        print(f"\n{'minutes':>8}{'lines':>8}{'nodes':>8}{'heap MB':>10}{'first letter px':>17}  state")
        for passed in range(EVERY, minutes + 1, EVERY):
            page.wait_for_timeout(EVERY * 60_000)
            devtools.send("HeapProfiler.collectGarbage")
            found = {each["name"]: each["value"] for each in devtools.send("Performance.getMetrics")["metrics"]}
            lines = page.locator(".log li").count()
            state = page.locator("main").get_attribute("data-state")
            heap = found["JSHeapUsedSize"] / 2**20
            print(f"{passed:8}{lines:8}{found['Nodes']:8.0f}{heap:10.2f}{first_letter(page):17.1f}  {state}")
            sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=30)
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as place:
        measure(Path(place), given.minutes)


if __name__ == "__main__":
    main()
