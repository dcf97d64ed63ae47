from transcripts.models.job import OPEN_STATES, Job, JobChunk, JobState, Origin
from transcripts.models.media import Media, Playback, Upload
from transcripts.models.transcript import Transcript, TranscriptSegment

__all__ = [
    "OPEN_STATES",
    "Job",
    "JobChunk",
    "JobState",
    "Media",
    "Origin",
    "Playback",
    "Transcript",
    "TranscriptSegment",
    "Upload",
]
