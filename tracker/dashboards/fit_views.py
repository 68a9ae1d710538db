from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from engagements.models import User
from tracker.dashboards.fit.page import SEES_VERDICTS
from tracker.dashboards.what_if_page import what_if_page


@require_safe
@login_required
def what_if(request: HttpRequest) -> HttpResponse:
    """Supposed facts, judged; `part=outcome` answers the verdict alone."""
    user = _reader(request)
    if user is None:
        return _no_access(request)
    asked = {name: str(value) for name, value in request.GET.items()}
    asked = {name: value for name, value in asked.items() if "\x00" not in value}
    page = what_if_page(user, asked)
    status = 200 if page.outcome and not page.problem else 400
    if asked.get("part") == "outcome" and page.outcome:
        return render(
            request, "tracker/_what_if_outcome.html", {"outcome": page.outcome}
        )
    return render(request, "tracker/what_if.html", {"page": page}, status=status)


def _reader(request: HttpRequest) -> User | None:
    """The user, whom `login_required` has let in, if verdicts are theirs to see."""
    user = request.user
    if isinstance(user, User) and user.has_perm(SEES_VERDICTS):
        return user
    return None


def _no_access(request: HttpRequest) -> HttpResponse:
    return render(request, "tracker/no_verdicts.html", status=403)
