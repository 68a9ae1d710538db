from typing import cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from engagements.errors import NotAllowedError
from engagements.models import User
from engagements.permissions import sees_money
from tracker.dashboards.models import PageMail, SavedPage
from tracker.dashboards.places import place_of
from tracker.dashboards.saved.forms import PageMailForm, SavedPageForm
from tracker.dashboards.saved.pages import saved_list
from tracker.dashboards.saved.services import (
    change_page,
    delete_page,
    mail_page,
    save_page,
    stop_mail,
)


@require_safe
@login_required
def saved_pages(request: HttpRequest) -> HttpResponse:
    return _listed(request, [])


@require_safe
@login_required
def open_page(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Lead to the page: what it shows there is the reader's own scope."""
    page = _found(request, public_id)
    place = place_of(page.page)
    if place is None:
        raise Http404
    return redirect(f"{place.path}?{page.query}" if page.query else place.path)


@require_POST
@login_required
def save(request: HttpRequest) -> HttpResponse:
    user = _reader(request)
    if not sees_money(user):
        raise Http404
    form = SavedPageForm(request.POST)
    if not form.is_valid():
        return _listed(request, _errors(form))
    try:
        save_page(page=form.fill(SavedPage()), actor=user)
    except ValidationError as error:
        return _listed(request, error.messages)
    return redirect("tracker:saved-pages")


@require_POST
@login_required
def change(request: HttpRequest, public_id: UUID) -> HttpResponse:
    page, user = _found(request, public_id), _reader(request)
    form = SavedPageForm(request.POST)
    if not form.is_valid():
        return _listed(request, _errors(form))
    try:
        change_page(page=form.fill(page), actor=user)
    except (ValidationError, NotAllowedError) as error:
        return _listed(request, _messages(error))
    return redirect("tracker:saved-pages")


@require_POST
@login_required
def delete(request: HttpRequest, public_id: UUID) -> HttpResponse:
    page = _found(request, public_id)
    try:
        delete_page(page=page, actor=_reader(request))
    except NotAllowedError as error:
        return _listed(request, _messages(error))
    return redirect("tracker:saved-pages")


@require_POST
@login_required
def mail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    page, user = _found(request, public_id), _reader(request)
    form = PageMailForm(request.POST)
    if not form.is_valid():
        return _listed(request, _errors(form))
    person = form.person(user)
    # Whether there is such a person is no more told than whether they may open it.
    if person is None or (person != user and page.owner != user):
        name = form.cleaned_data["username"]
        said = _("%(person)s may not open this page.") % {"person": name}
        return _listed(request, [said])
    wanted = PageMail(
        saved_page=page,
        person=person,
        every=form.cleaned_data["every"],
        file_kind=form.cleaned_data["file_kind"],
    )
    try:
        mail_page(mail=wanted, actor=user)
    except ValidationError as error:
        return _listed(request, error.messages)
    return redirect("tracker:saved-pages")


@require_POST
@login_required
def stop(request: HttpRequest, public_id: UUID) -> HttpResponse:
    user = _reader(request)
    page = SavedPage.objects.filter(public_id=public_id).first()
    if page is None:
        raise Http404
    name = request.POST.get("username", "")
    person = User.objects.filter(username=name).first() if name else user
    if person is None or (person != user and page.owner != user):
        raise Http404
    stop_mail(page=page, person=person, actor=user)
    return redirect("tracker:saved-pages")


def _found(request: HttpRequest, public_id: UUID) -> SavedPage:
    """Return the page among those that the reader may open; raises Http404."""
    pages = SavedPage.objects.visible_to(_reader(request))
    page = pages.select_related("owner").filter(public_id=public_id).first()
    if page is None:
        raise Http404
    return page


def _listed(request: HttpRequest, errors: list[str]) -> HttpResponse:
    user = _reader(request)
    if not sees_money(user):
        return render(request, "tracker/no_access.html", status=403)
    context = {"page": saved_list(user), "errors": errors}
    status = 400 if errors else 200
    return render(request, "tracker/saved_pages.html", context, status=status)


def _errors(form: SavedPageForm | PageMailForm) -> list[str]:
    return [
        f"{form.fields[name].label or name}: {message}"
        for name, messages in form.errors.items()
        for message in messages
    ]


def _messages(error: Exception) -> list[str]:
    return error.messages if isinstance(error, ValidationError) else [str(error)]


def _reader(request: HttpRequest) -> User:
    """Return the user, whom `login_required` has let in."""
    return cast(User, request.user)
