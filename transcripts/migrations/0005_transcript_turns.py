from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("transcripts", "0004_recordings_that_went")]

    operations = [
        migrations.AddField(
            model_name="transcript",
            name="turns",
            field=models.JSONField(default=list, verbose_name="{start, end, speaker}, in order"),
        ),
        migrations.AddField(
            model_name="transcript",
            name="labels_wanted",
            field=models.JSONField(null=True, verbose_name="speakers are to be told apart (again), and how"),
        ),
    ]
