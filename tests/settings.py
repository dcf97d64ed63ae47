"""The product's settings, on data of their own that goes away."""

import os
import tempfile

os.environ.setdefault("STT_DATA_DIR", tempfile.mkdtemp(prefix="steno-test-"))
os.environ.setdefault("STT_FETCH_MODELS", "0")

from stt_site.settings import *  # noqa: F403

# One database is what tests may touch; the counters' own file is shown by processes with the product's settings.
DATABASES.pop("ratelimit", None)  # noqa: F405
COUNTERS = "default"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
# A test's database is its own thread's: what a request leaves behind is written before it ends.
REQUEST_LOG_SECONDS = 0
