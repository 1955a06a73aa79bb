"""The tables of the first version."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models

_ID = ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))


class Migration(migrations.Migration):  # type: ignore[misc]  # Django has no types
    """Suppressions, and what they rest on."""

    initial = True
    dependencies: ClassVar[list[Any]] = []
    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Suppression",
            fields=[
                _ID,
                ("address", models.CharField(db_index=True, help_text="in the form in which addresses are compared", max_length=320)),
                ("scope", models.CharField(blank=True, default="", help_text="the stream or ESP's account that it holds for; empty: all", max_length=255)),
                ("reason", models.CharField(max_length=64)),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField(blank=True, help_text="empty: for ever", null=True)),
                ("cause", models.CharField(blank=True, default="", help_text="the key of the event", max_length=64)),
                ("by", models.CharField(default="person", help_text="who decided; only what the policy did is lifted by deliveries", max_length=64)),
                ("because", models.TextField(blank=True, default="")),
            ],
            options={"ordering": ("-since",)},
        ),
        migrations.CreateModel(
            name="FailedMailing",
            fields=[
                _ID,
                ("address", models.CharField(max_length=320)),
                ("mailing", models.CharField(max_length=255)),
                ("stream", models.CharField(blank=True, default="", max_length=255)),
                ("reason", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                ("points", models.FloatField(default=1.0)),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("address", "mailing"), name="bounceclass_failed_once")]},
        ),
        migrations.CreateModel(
            name="DeliveredMailing",
            fields=[
                _ID,
                ("address", models.CharField(max_length=320)),
                ("mailing", models.CharField(max_length=255)),
                ("stream", models.CharField(blank=True, default="", max_length=255)),
                ("at", models.DateTimeField()),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("address", "mailing"), name="bounceclass_delivered_once")]},
        ),
    ]
