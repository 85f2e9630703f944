"""Open cases that nobody could put on the net yet are a queue of their own."""

from django.db import migrations, models

UNPLACED = models.Q(closed_at=None) & models.Q(grid_id=None)


def unplaced(level: str) -> migrations.AddIndex:
    index = models.Index(condition=UNPLACED, fields=[level, "due_at", "id"], name=f"case_unplaced_{level}")
    return migrations.AddIndex(model_name="case", index=index)


class Migration(migrations.Migration):
    dependencies = [("loop", "0002_case_by_finder")]

    operations = [unplaced("l2"), unplaced("l3")]
