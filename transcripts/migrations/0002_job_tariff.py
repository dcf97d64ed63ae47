from django.db import migrations, models


def name_what_was_paid_for(apps, schema_editor):
    """Holds from before they said it themselves."""
    reservations = apps.get_model("accounts", "Reservation").objects.filter(source="", paid_for="")
    transcripts = apps.get_model("transcripts", "Transcript").objects.exclude(job__owner=None)
    for public_id, job_id, origin in transcripts.values_list("public_id", "job_id", "job__origin").iterator():
        reservations.filter(reference=f"job:{job_id}").update(source=origin, paid_for=public_id)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_reservation_says_what_for"),
        ("transcripts", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="tariff",
            field=models.JSONField(default=dict, verbose_name="accounts.services.tariffs.Tariff"),
        ),
        migrations.RunPython(name_what_was_paid_for, migrations.RunPython.noop),
    ]
