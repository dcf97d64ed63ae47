"""How fast the editor of a three-hour transcript is: 28,000 words, a real Chromium, the real server on SQLite.

    python -m benchmarks.editor [--words 28000] [--keys 200] [--seconds 20]

Prints how long a key takes until its letter is painted, resting and while the recording plays at double speed, for a
fast typist and for keys without any pause, and how far the lit word is behind the voice. A frame takes 17 ms, so no
figure can be much below that.
"""

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.page import HOURS, PER_LINE, server, spread

KEYS = """() => {
    window.painted = [];
    addEventListener('keydown', (event) => {
        const pressed = event.timeStamp;
        requestAnimationFrame(() => {
            const channel = new MessageChannel(); // runs behind the paint of this frame
            channel.port1.onmessage = () => window.painted.push(performance.now() - pressed);
            channel.port2.postMessage(0);
        });
    }, true);
}"""
FAST = 1000 / 15
"""Milliseconds between the keys of a very fast typist: 180 words a minute."""
# The page keeps its Audio to itself; this lets the benchmark read the clock that the highlight has to follow.
AUDIO = "window.Audio = class extends Audio { constructor() { super(); window.sound = this; } };"
LAG = """async ([seconds, step]) => {
    const lags = [];
    let shown = '';
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) {
        await new Promise(requestAnimationFrame);
        const [range] = CSS.highlights.get('now') ?? [];
        const word = range?.toString() ?? '';
        if (word !== shown && shown) {
            const due = Number(word.slice(1)) * step;
            lags.push((window.sound.currentTime - due) * 1000 / window.sound.playbackRate);
        }
        shown = word;
    }
    return lags;
}"""


def prepare(words: int) -> tuple[str, str, str]:
    """A database with one transcript of numbered words: its path, its owner's address and password."""
    import django

    django.setup()
    from allauth.account.models import EmailAddress
    from django.core.management import call_command

    from accounts.models import User
    from tests.conftest import PASSWORD
    from tests.web import rows

    call_command("migrate", verbosity=0)
    owner = User.objects.create_user(email="reader@example.org", password=PASSWORD)
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
    step = HOURS * 3600 / words
    lines = (range(start, start + PER_LINE) for start in range(0, words, PER_LINE))
    segments = [rows.spoken(" ".join(f"w{n}" for n in line), line[0] * step, per_word=step) for line in lines]
    made = rows.transcript(owner, segments=segments)
    sound = Path(tempfile.mkdtemp()) / "silence.flac"
    source = ["-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", str(HOURS * 3600)]
    subprocess.run(["ffmpeg", "-v", "error", *source, str(sound)], check=True)
    rows.with_playback(made, sound.read_bytes())
    call_command("collectstatic", interactive=False, verbosity=0)
    return f"/transcripts/{made.slug}/", owner.email, PASSWORD


def sign_in(page: Page, address: str, email: str, password: str) -> None:
    page.goto(f"{address}/accounts/login/")
    page.get_by_label("E-mail").fill(email)
    page.locator("[name=password]").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/transcripts/")


def typed(page: Page, count: int, pause: float = 0.0) -> list[float]:
    """`pause`: milliseconds between two keys."""
    page.evaluate("window.painted.length = 0")
    for number in range(count):
        page.keyboard.press("Space" if number % 6 == 5 else "a")
        if pause:
            page.wait_for_timeout(pause)
    page.wait_for_timeout(200)
    times: list[float] = page.evaluate("window.painted")
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=28_000)
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=20)
    asked = parser.parse_args()
    os.environ["STT_DATA_DIR"] = tempfile.mkdtemp(prefix="steno-editor-")
    os.environ["DJANGO_SETTINGS_MODULE"] = "stt_site.settings"
    path, email, password = prepare(asked.words)
    with server() as address, sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        page = browser.new_page()
        page.add_init_script(AUDIO)
        sign_in(page, address, email, password)
        page.goto(address + path)
        page.wait_for_selector("[data-editor=ready]")
        page.evaluate(KEYS)
        turns = page.locator("[data-turn]").count()
        middle = page.locator("[data-turn] .turn__text").nth(turns // 2)
        middle.scroll_into_view_if_needed()
        middle.dblclick()
        resting = typed(page, asked.keys, FAST)
        rushed = typed(page, asked.keys)
        page.evaluate("window.sound.playbackRate = 2")
        page.evaluate("window.sound.play()")
        playing = typed(page, asked.keys, FAST)
        lags = page.evaluate(LAG, [asked.seconds, HOURS * 3600 / asked.words])
        browser.close()
    print(f"words, turns                          {asked.words}, {turns}")
    print(f"key to paint, 15 keys a second        {spread(resting)}  (median / p95)")
    print(f"the same, playing at 2x               {spread(playing)}")
    print(f"as fast as a machine can press keys   {spread(rushed)}")
    print(f"lit word behind the voice at 2x       {spread(lags)} over {len(lags)} words")


if __name__ == "__main__":
    main()
