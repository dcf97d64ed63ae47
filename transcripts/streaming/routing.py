from channels.routing import URLRouter
from django.urls import re_path

from transcripts.streaming.nowhere import Nowhere
from transcripts.streaming.sixtydb_socket import SixtyDbSocket
from transcripts.streaming.stt_ai_socket import SttAiSocket
from transcripts.streaming.view_socket import ViewSocket

streams = URLRouter(
    [
        re_path(r"^v1/stream/?$", SttAiSocket.as_asgi()),
        re_path(r"^v1/stream/view/?$", ViewSocket.as_asgi()),
        re_path(r"^ws/stt/?$", SixtyDbSocket.as_asgi()),
        re_path(r"", Nowhere.as_asgi()),
    ]
)
