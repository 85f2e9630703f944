"""Storage of tables that live fast: emptied as quickly as they fill (queues), or changed in place (counters)."""

from django.db import migrations

QUEUES = ("book_outbox", "book_tallydelta")
# Dead rows of a queue slow its head down, so they are swept by number, not by share of the table.
SWEPT = "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0"
# Room on each page for the new version of a counter: an update then touches no index.
COUNTER = f"fillfactor = 50, {SWEPT}"


class Migration(migrations.Migration):
    dependencies = [("book", "0001_initial")]

    operations = [
        *[
            migrations.RunSQL(
                f"ALTER TABLE {table} SET ({SWEPT})",
                f"ALTER TABLE {table} RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,"
                " autovacuum_vacuum_cost_delay)",
            )
            for table in QUEUES
        ],
        migrations.RunSQL(
            f"ALTER TABLE book_tally SET ({COUNTER})",
            "ALTER TABLE book_tally RESET (fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,"
            " autovacuum_vacuum_cost_delay)",
        ),
    ]
