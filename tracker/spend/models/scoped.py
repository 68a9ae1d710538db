from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db.models import QuerySet

from engagements.permissions import engagement_scope

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from engagements.models import User


class EngagementScoped(QuerySet):  # type: ignore[type-arg] # serves several models
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep rows of engagements that the user may see."""
        return self.filter(engagement_scope(user, prefix="engagement__"))


class MoneyScoped(QuerySet):  # type: ignore[type-arg] # serves several models
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep rows of engagements whose money the user may see."""
        return self.filter(
            engagement_scope(user, prefix="engagement__", with_money=True)
        )
