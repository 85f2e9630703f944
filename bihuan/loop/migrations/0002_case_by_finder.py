"""A grid worker's own reports are listed by who found them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("loop", "0001_initial")]

    operations = [
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("finder__isnull", False)),
                fields=["finder", "accepted_at", "id"],
                name="case_by_finder",
            ),
        ),
    ]
