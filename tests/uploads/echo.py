"""The product's own ASGI application, with a view at /v1/transcribe that tells what the gate handed to it.

Run as `python -m tests.uploads.echo PORT`: makes a database, prints one line of JSON, then serves.
"""

import json
import os
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.uploads.echo_settings"


def main() -> None:
    import django

    django.setup()
    import uvicorn
    from django.core.management import call_command
    from django.test import Client

    from accounts.models import User
    from accounts.services import api_keys

    call_command("migrate", verbosity=0)
    people = {}
    for name in ("alice", "charlie"):
        user = User.objects.create_user(f"{name}@example.com", "correct horse battery")
        people[name] = api_keys.create_key(user, "test")[1]
    browser = Client()
    browser.force_login(User.objects.get(email="alice@example.com"))
    people["session"] = browser.cookies["sessionid"].value
    print(json.dumps(people), flush=True)
    uvicorn.run(
        "stt_site.asgi:application",
        host="127.0.0.1",
        port=int(sys.argv[1]),
        http=os.environ.get("TEST_HTTP", "httptools"),
        lifespan="off",
        log_level="warning",
        access_log=False,
    )


if __name__ == "__main__":
    main()
