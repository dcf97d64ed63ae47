from transcripts.exports.base import Meta
from transcripts.models import Transcript


def meta_of(transcript: Transcript) -> Meta:
    return Meta(title=transcript.title, slug=transcript.slug, created_at=transcript.created_at, model=transcript.model)
