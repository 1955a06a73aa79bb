"""The app: listens for django-anymail's tracking signal."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["BounceclassConfig"]


class BounceclassConfig(AppConfig):  # type: ignore[misc]  # Django has no types
    """`"bounceclass_django"` in INSTALLED_APPS."""

    name = "bounceclass_django"
    verbose_name = "Bounces"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the receiver."""
        from anymail.signals import tracking  # noqa: PLC0415  as Django asks: when all apps are there

        from bounceclass_django.receiver import on_tracking  # noqa: PLC0415  as above

        tracking.connect(on_tracking, dispatch_uid="bounceclass")
