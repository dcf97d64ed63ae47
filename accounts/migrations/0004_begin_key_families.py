from django.db import migrations, models


def begin_families(apps, schema_editor):
    apps.get_model("accounts", "ApiKey").objects.update(family=models.F("key_id"))


class Migration(migrations.Migration):
    # Alone: PostgreSQL changes no table in the transaction that has changed its rows.
    dependencies = [("accounts", "0003_what_a_key_may_do")]
    operations = [migrations.RunPython(begin_families, migrations.RunPython.noop)]
