"""The list in Django's admin."""

from __future__ import annotations

from django.contrib import admin

from bounceclass_django.models import Suppression

__all__ = ["SuppressionAdmin"]


@admin.register(Suppression)
class SuppressionAdmin(admin.ModelAdmin):  # type: ignore[misc]  # Django has no types
    """Who is suppressed, why, and until when."""

    list_display = ("address", "reason", "scope", "since", "until", "by")
    list_filter = ("reason", "by")
    search_fields = ("address",)
