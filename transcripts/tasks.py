from transcripts.services import playback, run


def run_job(job_id: int) -> None:
    run.run_job(job_id)


def make_playback(media_id: int) -> None:
    playback.make(media_id)
