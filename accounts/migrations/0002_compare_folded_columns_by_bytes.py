from django.db import migrations

from usermgmt.columns import compare_bytes


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [compare_bytes("accounts.User", "email_canonical", "username_canonical", "name_sorted", "search_text")]
