from django.db import migrations

from usermgmt.columns import compare_bytes


class Migration(migrations.Migration):
    dependencies = [("clients", "0001_initial")]

    operations = [compare_bytes("clients.Client", "name_folded")]
