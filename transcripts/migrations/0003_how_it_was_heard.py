from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("transcripts", "0002_job_tariff"),
    ]

    operations = [
        migrations.AddField(
            model_name="transcript",
            name="snr_db",
            field=models.FloatField(null=True, verbose_name="speech over noise"),
        ),
        migrations.AddField(
            model_name="transcript",
            name="detection",
            field=models.JSONField(default=dict, verbose_name="engine.types.LanguageDetection"),
        ),
        migrations.AddField(
            model_name="transcriptsegment",
            name="chunk",
            field=models.PositiveIntegerField(default=0, verbose_name="checkpoint it came with"),
        ),
    ]
