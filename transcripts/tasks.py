from transcripts.services import erase, index, playback, run, speakers


def run_job(job_id: int) -> None:
    run.run_job(job_id)


def make_playback(media_id: int) -> None:
    playback.make(media_id)


def label_speakers(transcript_id: int) -> None:
    speakers.label(transcript_id)


def index_transcript(transcript_id: int) -> None:
    index.make(transcript_id)


def erase_account(owner_id: int) -> None:
    erase.erase(owner_id)
