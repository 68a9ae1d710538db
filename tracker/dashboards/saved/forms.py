from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from engagements.choices import Role
from engagements.models import User
from tracker.dashboards.models import Every, FileKind, SavedPage, Sharing

EVERYONE_SEEING = (Role.MANAGER, Role.FINANCE, Role.AUDITOR, Role.ADMINISTRATOR)


def shared_choices() -> list[tuple[str, str]]:
    """Return with whom a page can be shared, as the form names them."""
    roles = [(f"role:{role.value}", str(role.label)) for role in EVERYONE_SEEING]
    return [
        (Sharing.NOBODY.value, str(_("Nobody"))),
        (Sharing.EVERYONE.value, str(_("Everyone who sees spend"))),
        *roles,
    ]


class SavedPageForm(forms.Form):
    """What a person says of a page that they save."""

    name = forms.CharField(label=_("Name"), max_length=100)
    page = forms.SlugField(required=False, max_length=60, widget=forms.HiddenInput)
    query = forms.CharField(required=False, max_length=2000, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["shared"] = forms.ChoiceField(
            label=_("Who else may open it"),
            required=False,
            choices=shared_choices(),
        )

    def fill(self, page: SavedPage) -> SavedPage:
        """Return the page with what was said of it."""
        said = self.cleaned_data
        shared, _sign, role = (said["shared"] or Sharing.NOBODY).partition(":")
        page.name, page.shared_with, page.role = said["name"], shared, role
        if page.pk is None:
            page.page, page.query = said["page"], said["query"]
        return page


class PageMailForm(forms.Form):
    """How often, as what, and to whom; without a person to oneself."""

    every = forms.ChoiceField(label=_("How often"), choices=Every.choices)
    file_kind = forms.ChoiceField(label=_("File"), choices=FileKind.choices)
    username = forms.CharField(label=_("To"), required=False, max_length=150)

    def person(self, reader: User) -> User | None:
        """Return whom it is to go to; None where there is nobody of the name."""
        name = self.cleaned_data["username"]
        if not name:
            return reader
        return User.objects.filter(username=name, is_active=True).first()
