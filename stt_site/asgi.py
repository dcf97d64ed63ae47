import gc
import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stt_site.settings")
django_application = get_asgi_application()

# Only now: these read the settings and the models.
from transcripts.api.dialects import registry  # noqa: F401 names the dialects' addresses to POLICIES
from transcripts.streaming.routing import streams
from transcripts.uploads.gate import Gate
from transcripts.uploads.policy import POLICIES
from transcripts.uploads.tus import ResumableUploads

application = Gate(ProtocolTypeRouter({"http": django_application, "websocket": streams}), POLICIES, ResumableUploads())

# Collected now and then, all that is imported by now would hold a request up for some 90 ms.
gc.freeze()
