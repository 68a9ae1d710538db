"""What belongs to one engagement that the caller may see."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q
from django.http import Http404
from rest_framework.request import Request

from engagements.models import Engagement
from engagements.permissions import engagement_scope
from tracker.api.permissions import caller, is_hr_key
from tracker.api.resource import Resource
from tracker.api.visibility import engagements

READING: tuple[str, ...] = ("get", "head")


class PartOfEngagement(Resource):
    """Records of one engagement that the caller may see."""

    names: ClassVar[dict[str, str]] = {}
    write_permissions: ClassVar[tuple[str, ...]] = ()
    http_method_names = READING

    def engagement(self, request: Request, engagement_id: UUID) -> Engagement:
        rows = engagements(caller(request)).filter(self.scope(request))
        found = rows.filter(public_id=engagement_id).first()
        if found is None:
            raise Http404
        return found

    def scope(self, request: Request) -> Q:
        """Return what narrows the engagements further than to those that are seen."""
        return Q()


def money_scope(request: Request) -> Q:
    """Return what keeps the engagements whose amounts the request may read.

    The scope of a key opens them to the HR integration, which sees no money by itself.
    """
    if is_hr_key(request):
        return Q()
    return engagement_scope(caller(request), with_money=True)


def bound_to(query: dict[str, Any], engagement: Engagement) -> dict[str, Any]:
    """Bind a page's cursor to the engagement that it is of."""
    return {**query, "engagement": str(engagement.public_id)}


def reader(request: Request) -> object:
    return request.auth or f"user {caller(request).pk}"
