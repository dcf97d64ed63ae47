from django.db.models import Q

from transcripts.models import Job, JobState
from transcripts.services import closing


def request_cancel(job_id: int) -> None:
    """A queued job ends here; a running one within two seconds, when its worker next looks. Ended ones stay."""
    if not closing.cancel(Q(pk=job_id, state=JobState.QUEUED)):
        Job.objects.filter(pk=job_id, state=JobState.RUNNING).update(cancel_requested=True)
        # It may have been given back between the two statements.
        closing.cancel(Q(pk=job_id, state=JobState.QUEUED))
