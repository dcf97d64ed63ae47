"""The key in the curl line that `make run` prints.

Keys at rest are hashes, so this one is also kept, readable only by the operator, beside the data: the line has to
work at the second start too. Revoked or expired, it is replaced.
"""

import os

from django.conf import settings
from django.core.management import CommandError

from accounts.models import User
from accounts.services import api_keys


def api_key() -> str:
    path = settings.DATA_DIR / "quickstart_key"
    if path.exists() and api_keys.find(path.read_text().strip()):
        return path.read_text().strip()
    owner = User.objects.filter(is_superuser=True).order_by("pk").first()
    if owner is None:
        raise CommandError("There is no administrator yet: run `manage.py ensure_admin`.")
    _, plaintext = api_keys.create_key(owner, "Quick start")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(plaintext + "\n")
    return plaintext
