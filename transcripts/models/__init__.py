from transcripts.models.chat import ChatSession, ChatTurn
from transcripts.models.document import Edit, Tag, Turn, Version
from transcripts.models.insight import TranscriptInsight
from transcripts.models.job import OPEN_STATES, Job, JobChunk, JobState, Origin
from transcripts.models.live import LiveFinal, LiveStream
from transcripts.models.media import Media, Playback, Upload
from transcripts.models.passage import Index, Passage
from transcripts.models.share import Share
from transcripts.models.stored_file import StoredFile
from transcripts.models.transcript import Transcript, TranscriptSegment
from transcripts.models.webhook import WebhookAttempt, WebhookDelivery, WebhookEndpoint

__all__ = [
    "OPEN_STATES",
    "ChatSession",
    "ChatTurn",
    "Edit",
    "Index",
    "Job",
    "JobChunk",
    "JobState",
    "LiveFinal",
    "LiveStream",
    "Media",
    "Origin",
    "Passage",
    "Playback",
    "Share",
    "StoredFile",
    "Tag",
    "Transcript",
    "TranscriptInsight",
    "TranscriptSegment",
    "Turn",
    "Upload",
    "Version",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
]
