import bihuan.lib.ids
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("net", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="CircleEvent",
            fields=[
                ("n", models.IntegerField()),
                ("at", models.DateTimeField()),
                (
                    "actor",
                    models.CharField(
                        choices=[
                            ("posting", "Posting"),
                            ("resident", "Resident"),
                            ("clock", "Clock"),
                            ("system", "System"),
                        ],
                        max_length=8,
                    ),
                ),
                ("posting", models.BigIntegerField(null=True)),
                ("verb", models.CharField(max_length=16)),
                ("version", models.IntegerField()),
                ("data", models.TextField()),
                ("hash", models.BinaryField()),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "track_id", "n", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("region_id", models.BigIntegerField()),
                ("track_id", models.BigIntegerField()),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="OfferEvent",
            fields=[
                ("n", models.IntegerField()),
                ("at", models.DateTimeField()),
                (
                    "actor",
                    models.CharField(
                        choices=[
                            ("posting", "Posting"),
                            ("resident", "Resident"),
                            ("clock", "Clock"),
                            ("system", "System"),
                        ],
                        max_length=8,
                    ),
                ),
                ("posting", models.BigIntegerField(null=True)),
                ("verb", models.CharField(max_length=16)),
                ("version", models.IntegerField()),
                ("data", models.TextField()),
                ("hash", models.BinaryField()),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "track_id", "n", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("region_id", models.BigIntegerField()),
                ("track_id", models.BigIntegerField()),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="PairingEvent",
            fields=[
                ("n", models.IntegerField()),
                ("at", models.DateTimeField()),
                (
                    "actor",
                    models.CharField(
                        choices=[
                            ("posting", "Posting"),
                            ("resident", "Resident"),
                            ("clock", "Clock"),
                            ("system", "System"),
                        ],
                        max_length=8,
                    ),
                ),
                ("posting", models.BigIntegerField(null=True)),
                ("verb", models.CharField(max_length=16)),
                ("version", models.IntegerField()),
                ("data", models.TextField()),
                ("hash", models.BinaryField()),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "track_id", "n", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("region_id", models.BigIntegerField()),
                ("track_id", models.BigIntegerField()),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="RoundEvent",
            fields=[
                ("n", models.IntegerField()),
                ("at", models.DateTimeField()),
                (
                    "actor",
                    models.CharField(
                        choices=[
                            ("posting", "Posting"),
                            ("resident", "Resident"),
                            ("clock", "Clock"),
                            ("system", "System"),
                        ],
                        max_length=8,
                    ),
                ),
                ("posting", models.BigIntegerField(null=True)),
                ("verb", models.CharField(max_length=16)),
                ("version", models.IntegerField()),
                ("data", models.TextField()),
                ("hash", models.BinaryField()),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "track_id", "n", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("region_id", models.BigIntegerField()),
                ("track_id", models.BigIntegerField()),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="SessionEvent",
            fields=[
                ("n", models.IntegerField()),
                ("at", models.DateTimeField()),
                (
                    "actor",
                    models.CharField(
                        choices=[
                            ("posting", "Posting"),
                            ("resident", "Resident"),
                            ("clock", "Clock"),
                            ("system", "System"),
                        ],
                        max_length=8,
                    ),
                ),
                ("posting", models.BigIntegerField(null=True)),
                ("verb", models.CharField(max_length=16)),
                ("version", models.IntegerField()),
                ("data", models.TextField()),
                ("hash", models.BinaryField()),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "track_id", "n", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("region_id", models.BigIntegerField()),
                ("track_id", models.BigIntegerField()),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="SuggestionEvent",
            fields=[
                ("n", models.IntegerField()),
                ("at", models.DateTimeField()),
                (
                    "actor",
                    models.CharField(
                        choices=[
                            ("posting", "Posting"),
                            ("resident", "Resident"),
                            ("clock", "Clock"),
                            ("system", "System"),
                        ],
                        max_length=8,
                    ),
                ),
                ("posting", models.BigIntegerField(null=True)),
                ("verb", models.CharField(max_length=16)),
                ("version", models.IntegerField()),
                ("data", models.TextField()),
                ("hash", models.BinaryField()),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "track_id", "n", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("region_id", models.BigIntegerField()),
                ("track_id", models.BigIntegerField()),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Circle",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        default=bihuan.lib.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("no", models.CharField(max_length=8, unique=True)),
                ("region_id", models.BigIntegerField()),
                ("version", models.IntegerField(default=0)),
                ("n", models.IntegerField(default=0)),
                (
                    "head",
                    models.BinaryField(
                        default=b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                    ),
                ),
                ("l2", models.BigIntegerField(null=True)),
                ("l3", models.BigIntegerField(null=True)),
                ("l4", models.BigIntegerField(null=True)),
                ("l5", models.BigIntegerField(null=True)),
                ("kind", models.CharField(choices=[("studio", "书记工作室")], default="studio", max_length=8)),
                ("title", models.CharField(max_length=60)),
                ("program", models.CharField(max_length=60)),
                ("host_subject", models.BigIntegerField(null=True)),
                ("host_posting", models.BigIntegerField(null=True)),
                ("since", models.DateField()),
                ("until", models.DateField(null=True)),
                (
                    "unit",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="net.unit"),
                ),
            ],
            options={
                "verbose_name": "工作室",
            },
        ),
        migrations.CreateModel(
            name="CircleMember",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject_id", models.BigIntegerField()),
                ("since", models.DateField()),
                ("until", models.DateField(null=True)),
                (
                    "circle",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="members", to="offers.circle"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Member",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("program", models.CharField(max_length=60)),
                ("since", models.DateField()),
                ("until", models.DateField(null=True)),
                (
                    "unit",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="net.unit"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Offer",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        default=bihuan.lib.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("no", models.CharField(max_length=8, unique=True)),
                ("region_id", models.BigIntegerField()),
                ("version", models.IntegerField(default=0)),
                ("n", models.IntegerField(default=0)),
                (
                    "head",
                    models.BinaryField(
                        default=b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                    ),
                ),
                ("l2", models.BigIntegerField(null=True)),
                ("l3", models.BigIntegerField(null=True)),
                ("l4", models.BigIntegerField(null=True)),
                ("l5", models.BigIntegerField(null=True)),
                ("kind", models.CharField(choices=[("need", "需求")], default="need", max_length=6)),
                ("program", models.CharField(max_length=60)),
                ("subject_id", models.BigIntegerField(null=True)),
                ("standing_id", models.BigIntegerField(null=True)),
                ("topic", models.CharField(max_length=24)),
                ("text_id", models.BigIntegerField()),
                ("amount", models.DecimalField(decimal_places=2, max_digits=14, null=True)),
                ("capacity", models.SmallIntegerField(default=1)),
                ("taken", models.SmallIntegerField(default=0)),
                ("window", models.CharField(max_length=8)),
                ("opened_at", models.DateTimeField()),
                ("window_until", models.DateTimeField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "待认领"),
                            ("taken", "帮扶中"),
                            ("met", "已解决"),
                            ("closed", "未能解决"),
                            ("withdrawn", "已撤回"),
                        ],
                        default="open",
                        max_length=9,
                    ),
                ),
                ("met_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("rises", models.SmallIntegerField(default=0)),
                (
                    "place",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="net.unit"),
                ),
                (
                    "unit",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="net.unit"),
                ),
            ],
            options={
                "verbose_name": "需求",
            },
        ),
        migrations.CreateModel(
            name="Claim",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        default=bihuan.lib.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("posting", models.BigIntegerField()),
                ("personal", models.BooleanField(default=False)),
                ("at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[("taken", "帮扶中"), ("done", "已完成"), ("released", "已退回")],
                        default="taken",
                        max_length=8,
                    ),
                ),
                ("planned_at", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField(null=True)),
                ("late", models.SmallIntegerField(default=0)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "unit",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="net.unit"),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="claims", to="offers.offer"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Pairing",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        default=bihuan.lib.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("no", models.CharField(max_length=8, unique=True)),
                ("region_id", models.BigIntegerField()),
                ("version", models.IntegerField(default=0)),
                ("n", models.IntegerField(default=0)),
                (
                    "head",
                    models.BinaryField(
                        default=b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                    ),
                ),
                ("l2", models.BigIntegerField(null=True)),
                ("l3", models.BigIntegerField(null=True)),
                ("l4", models.BigIntegerField(null=True)),
                ("l5", models.BigIntegerField(null=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("branch", "机关党支部"), ("firm", "企业党支部"), ("school", "院校党支部")],
                        default="branch",
                        max_length=8,
                    ),
                ),
                ("since", models.DateField()),
                ("until", models.DateField(null=True)),
                ("made_at", models.DateTimeField()),
                ("plan_due_at", models.DateTimeField(null=True)),
                ("plans_late", models.SmallIntegerField(default=0)),
                (
                    "unit_a",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="net.unit"),
                ),
                (
                    "unit_b",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="net.unit"),
                ),
            ],
            options={
                "verbose_name": "结对",
            },
        ),
        migrations.CreateModel(
            name="Deed",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        default=bihuan.lib.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("year", models.SmallIntegerField()),
                ("on", models.DateField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("problem", "解决难题"),
                            ("lesson", "联合党课"),
                            ("visit", "走访慰问"),
                            ("aid", "资金物资"),
                            ("training", "培训交流"),
                            ("other", "其他"),
                        ],
                        max_length=8,
                    ),
                ),
                ("text_id", models.BigIntegerField()),
                ("count", models.IntegerField(default=1)),
                ("photos", models.JSONField(default=list)),
                ("txn_id", models.BigIntegerField(null=True)),
                ("at", models.DateTimeField()),
                (
                    "pairing",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="deeds", to="offers.pairing"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PairYear",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("year", models.SmallIntegerField()),
                ("text_id", models.BigIntegerField()),
                ("made_at", models.DateTimeField()),
                (
                    "pairing",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="years", to="offers.pairing"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PlanItem",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        default=bihuan.lib.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("n", models.SmallIntegerField()),
                ("month", models.DateField()),
                ("text_id", models.BigIntegerField()),
                ("helper", models.CharField(max_length=40)),
                ("helper_posting", models.BigIntegerField(null=True)),
                ("due_on", models.DateField()),
                ("opens_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("waiting", "未到月份"),
                            ("open", "进行中"),
                            ("done", "已完成"),
                            ("dropped", "已取消"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("late", models.BooleanField(default=False)),
                ("started_at", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("done_by", models.BigIntegerField(null=True)),
                ("done_text_id", models.BigIntegerField(null=True)),
                ("photos", models.JSONField(default=list)),
                ("txn_id", models.BigIntegerField(null=True)),
                (
                    "claim",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="items", to="offers.claim"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Round",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        default=bihuan.lib.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("no", models.CharField(max_length=8, unique=True)),
                ("region_id", models.BigIntegerField()),
                ("version", models.IntegerField(default=0)),
                ("n", models.IntegerField(default=0)),
                (
                    "head",
                    models.BinaryField(
                        default=b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                    ),
                ),
                ("program", models.CharField(max_length=60)),
                ("title", models.CharField(max_length=80)),
                ("window", models.CharField(max_length=8)),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "unit",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="net.unit"),
                ),
            ],
            options={
                "verbose_name": "征集",
            },
        ),
        migrations.AddField(
            model_name="offer",
            name="round",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="offers", to="offers.round"
            ),
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        default=bihuan.lib.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("no", models.CharField(max_length=8, unique=True)),
                ("region_id", models.BigIntegerField()),
                ("version", models.IntegerField(default=0)),
                ("n", models.IntegerField(default=0)),
                (
                    "head",
                    models.BinaryField(
                        default=b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                    ),
                ),
                ("l2", models.BigIntegerField(null=True)),
                ("l3", models.BigIntegerField(null=True)),
                ("l4", models.BigIntegerField(null=True)),
                ("l5", models.BigIntegerField(null=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("pairing", "结对帮带"),
                            ("talk", "交流座谈"),
                            ("tour", "观摩比拼"),
                            ("study", "外出学习"),
                            ("training", "培训"),
                        ],
                        max_length=8,
                    ),
                ),
                ("title", models.CharField(max_length=80)),
                ("program", models.CharField(max_length=60)),
                ("begins_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("venue", models.CharField(max_length=80)),
                ("speaker_subject", models.BigIntegerField(null=True)),
                ("seats", models.SmallIntegerField(null=True)),
                ("signed", models.SmallIntegerField(default=0)),
                (
                    "state",
                    models.CharField(
                        choices=[("planned", "已安排"), ("held", "已举办"), ("cancelled", "已取消")],
                        default="planned",
                        max_length=9,
                    ),
                ),
                ("text_id", models.BigIntegerField(null=True)),
                ("photos", models.JSONField(default=list)),
                (
                    "circle",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sessions",
                        to="offers.circle",
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="net.unit"),
                ),
            ],
            options={
                "verbose_name": "活动",
            },
        ),
        migrations.CreateModel(
            name="Attendance",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject_id", models.BigIntegerField()),
                ("present", models.BooleanField(null=True)),
                (
                    "session",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="attendances", to="offers.session"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Suggestion",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        default=bihuan.lib.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("no", models.CharField(max_length=8, unique=True)),
                ("region_id", models.BigIntegerField()),
                ("version", models.IntegerField(default=0)),
                ("n", models.IntegerField(default=0)),
                (
                    "head",
                    models.BinaryField(
                        default=b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                    ),
                ),
                ("l2", models.BigIntegerField(null=True)),
                ("l3", models.BigIntegerField(null=True)),
                ("l4", models.BigIntegerField(null=True)),
                ("l5", models.BigIntegerField(null=True)),
                ("program", models.CharField(max_length=60)),
                ("subject_id", models.BigIntegerField(null=True)),
                ("posting", models.BigIntegerField(null=True)),
                ("text_id", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("case_region", models.BigIntegerField(null=True)),
                ("case_id", models.BigIntegerField(null=True)),
                (
                    "circle",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="suggestions",
                        to="offers.circle",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="suggestions",
                        to="offers.session",
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="net.unit"),
                ),
            ],
            options={
                "verbose_name": "建议",
            },
        ),
        migrations.AddIndex(
            model_name="circle",
            index=models.Index(fields=["l2", "since", "id"], name="circle_l2"),
        ),
        migrations.AddIndex(
            model_name="circle",
            index=models.Index(fields=["l3", "since", "id"], name="circle_l3"),
        ),
        migrations.AddIndex(
            model_name="circle",
            index=models.Index(fields=["l4", "since", "id"], name="circle_l4"),
        ),
        migrations.AddIndex(
            model_name="circle",
            index=models.Index(fields=["l5", "since", "id"], name="circle_l5"),
        ),
        migrations.AddConstraint(
            model_name="circle",
            constraint=models.CheckConstraint(
                condition=models.Q(("host_subject__isnull", False), ("host_posting__isnull", False), _connector="OR"),
                name="circle_has_a_host",
            ),
        ),
        migrations.AddConstraint(
            model_name="circle",
            constraint=models.UniqueConstraint(
                condition=models.Q(("until", None)), fields=("unit", "title"), name="circle_once"
            ),
        ),
        migrations.AddIndex(
            model_name="circlemember",
            index=models.Index(condition=models.Q(("until", None)), fields=["subject_id"], name="circle_member_of"),
        ),
        migrations.AddConstraint(
            model_name="circlemember",
            constraint=models.UniqueConstraint(
                condition=models.Q(("until", None)), fields=("circle", "subject_id"), name="circle_member_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="member",
            constraint=models.UniqueConstraint(
                condition=models.Q(("until", None)), fields=("program", "unit"), name="member_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="member",
            constraint=models.CheckConstraint(
                condition=models.Q(("until", None), ("until__gte", models.F("since")), _connector="OR"),
                name="member_runs_forward",
            ),
        ),
        migrations.AddIndex(
            model_name="claim",
            index=models.Index(
                condition=models.Q(("state", "taken")), fields=["unit", "at", "id"], name="claim_of_unit"
            ),
        ),
        migrations.AddIndex(
            model_name="claim",
            index=models.Index(
                condition=models.Q(("state", "taken"), _negated=True),
                fields=["unit", "ended_at", "id"],
                name="claim_ended",
            ),
        ),
        migrations.AddIndex(
            model_name="claim",
            index=models.Index(condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="claim_due"),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "taken")), fields=("offer", "unit"), name="claim_once_per_unit"
            ),
        ),
        migrations.AddIndex(
            model_name="pairing",
            index=models.Index(fields=["l2", "since", "id"], name="pairing_l2"),
        ),
        migrations.AddIndex(
            model_name="pairing",
            index=models.Index(fields=["l3", "since", "id"], name="pairing_l3"),
        ),
        migrations.AddIndex(
            model_name="pairing",
            index=models.Index(fields=["l4", "since", "id"], name="pairing_l4"),
        ),
        migrations.AddIndex(
            model_name="pairing",
            index=models.Index(fields=["l5", "since", "id"], name="pairing_l5"),
        ),
        migrations.AddIndex(
            model_name="pairing",
            index=models.Index(condition=models.Q(("until", None)), fields=["unit_a"], name="pairing_of_branch"),
        ),
        migrations.AddIndex(
            model_name="pairing",
            index=models.Index(
                condition=models.Q(("plan_due_at__isnull", False), ("until", None)),
                fields=["plan_due_at"],
                name="pairing_plan_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="pairing",
            constraint=models.UniqueConstraint(
                condition=models.Q(("until", None)), fields=("unit_b", "kind"), name="pairing_once_per_kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="pairing",
            constraint=models.CheckConstraint(
                condition=models.Q(("until", None), ("until__gte", models.F("since")), _connector="OR"),
                name="pairing_runs_forward",
            ),
        ),
        migrations.AddConstraint(
            model_name="pairing",
            constraint=models.CheckConstraint(
                condition=models.Q(("unit_a", models.F("unit_b")), _negated=True), name="pairing_of_two"
            ),
        ),
        migrations.AddIndex(
            model_name="deed",
            index=models.Index(fields=["pairing", "year", "on"], name="deed_of_pairing"),
        ),
        migrations.AddConstraint(
            model_name="deed",
            constraint=models.CheckConstraint(condition=models.Q(("count__gte", 1)), name="deed_counts"),
        ),
        migrations.AddConstraint(
            model_name="pairyear",
            constraint=models.UniqueConstraint(fields=("pairing", "year"), name="pair_plan_once_a_year"),
        ),
        migrations.AddIndex(
            model_name="planitem",
            index=models.Index(condition=models.Q(("stage", "waiting")), fields=["opens_at"], name="plan_item_opens"),
        ),
        migrations.AddIndex(
            model_name="planitem",
            index=models.Index(
                condition=models.Q(("late", False), ("stage", "open")), fields=["due_at"], name="plan_item_due"
            ),
        ),
        migrations.AddIndex(
            model_name="planitem",
            index=models.Index(
                condition=models.Q(("late", True), ("stage", "open")), fields=["due_at", "id"], name="plan_item_late"
            ),
        ),
        migrations.AddIndex(
            model_name="planitem",
            index=models.Index(
                condition=models.Q(("stage", "open")), fields=["helper_posting", "due_at"], name="plan_item_helper"
            ),
        ),
        migrations.AddConstraint(
            model_name="planitem",
            constraint=models.UniqueConstraint(fields=("claim", "n"), name="plan_item_once"),
        ),
        migrations.AddConstraint(
            model_name="planitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("done_at__isnull", False), ("stage", "done")),
                    models.Q(models.Q(("stage", "done"), _negated=True), ("done_at", None)),
                    _connector="OR",
                ),
                name="plan_item_done_has_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="round",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at", None)), fields=("program", "unit"), name="round_open_once"
            ),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(
                condition=models.Q(("ended_at", None)), fields=["l2", "window_until", "id"], name="offer_live_l2"
            ),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(
                condition=models.Q(("ended_at", None)), fields=["l3", "window_until", "id"], name="offer_live_l3"
            ),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(
                condition=models.Q(("ended_at", None)), fields=["l4", "window_until", "id"], name="offer_live_l4"
            ),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(
                condition=models.Q(("ended_at", None)), fields=["l5", "window_until", "id"], name="offer_live_l5"
            ),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(condition=models.Q(("state", "open")), fields=["window_until"], name="offer_window"),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(fields=["l2", "opened_at", "id"], name="offer_opened_l2"),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(fields=["l3", "opened_at", "id"], name="offer_opened_l3"),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(fields=["l4", "opened_at", "id"], name="offer_opened_l4"),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(fields=["l5", "opened_at", "id"], name="offer_opened_l5"),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(
                condition=models.Q(("state", "met")), fields=["l2", "met_at", "id"], name="offer_met_l2"
            ),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(
                condition=models.Q(("state", "met")), fields=["l3", "met_at", "id"], name="offer_met_l3"
            ),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(
                condition=models.Q(("state", "met")), fields=["l4", "met_at", "id"], name="offer_met_l4"
            ),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(
                condition=models.Q(("state", "met")), fields=["l5", "met_at", "id"], name="offer_met_l5"
            ),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(fields=["subject_id", "opened_at"], name="offer_of_subject"),
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.CheckConstraint(
                condition=models.Q(("taken__gte", 0), ("taken__lte", models.F("capacity"))), name="m1_taken_in_capacity"
            ),
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.CheckConstraint(condition=models.Q(("capacity__gte", 1)), name="offer_has_a_seat"),
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("met_at__isnull", False), ("state", "met")),
                    models.Q(models.Q(("state", "met"), _negated=True), ("met_at", None)),
                    _connector="OR",
                ),
                name="offer_met_has_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at", None), ("state__in", ["open", "taken"])),
                    models.Q(("ended_at__isnull", False), ("state__in", ["met", "closed", "withdrawn"])),
                    _connector="OR",
                ),
                name="offer_ends_once",
            ),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(fields=["l2", "begins_at", "id"], name="session_l2"),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(fields=["l3", "begins_at", "id"], name="session_l3"),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(fields=["l4", "begins_at", "id"], name="session_l4"),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(fields=["l5", "begins_at", "id"], name="session_l5"),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(fields=["circle", "begins_at"], name="session_of_circle"),
        ),
        migrations.AddConstraint(
            model_name="session",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("begins_at"))), name="session_runs_forward"
            ),
        ),
        migrations.AddConstraint(
            model_name="session",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("signed__gte", 0), models.Q(("seats", None), ("signed__lte", models.F("seats")), _connector="OR")
                ),
                name="m1_signed_in_seats",
            ),
        ),
        migrations.AddIndex(
            model_name="attendance",
            index=models.Index(fields=["subject_id", "session"], name="attendance_of_subject"),
        ),
        migrations.AddConstraint(
            model_name="attendance",
            constraint=models.UniqueConstraint(fields=("session", "subject_id"), name="attendance_once"),
        ),
        migrations.AddIndex(
            model_name="suggestion",
            index=models.Index(fields=["l2", "at", "id"], name="suggestion_l2"),
        ),
        migrations.AddIndex(
            model_name="suggestion",
            index=models.Index(fields=["l3", "at", "id"], name="suggestion_l3"),
        ),
        migrations.AddIndex(
            model_name="suggestion",
            index=models.Index(fields=["l4", "at", "id"], name="suggestion_l4"),
        ),
        migrations.AddIndex(
            model_name="suggestion",
            index=models.Index(fields=["l5", "at", "id"], name="suggestion_l5"),
        ),
        migrations.AddConstraint(
            model_name="suggestion",
            constraint=models.CheckConstraint(
                condition=models.Q(("subject_id__isnull", False), ("posting__isnull", False), _connector="OR"),
                name="suggestion_is_somebodys",
            ),
        ),
        migrations.AddConstraint(
            model_name="suggestion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("case_id", None), ("case_region", None)),
                    models.Q(("case_id__isnull", False), ("case_region__isnull", False)),
                    _connector="OR",
                ),
                name="suggestion_case_is_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="suggestion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("case_id__isnull", False)),
                fields=("case_region", "case_id"),
                name="suggestion_of_one_case",
            ),
        ),
    ]
