"""What a browser would post: a page's fields as they stand, with some changed."""

from typing import Any

from django.test import Client


def fields_on(client: Client, url: str) -> dict[str, Any]:
    """Return every field of the page's forms with the value it is shown with."""
    response = client.get(url)
    assert response.status_code == 200, (url, response.status_code)
    context = response.context
    posted: dict[str, Any] = {}
    _add(posted, context["adminform"].form)
    for inline in context["inline_admin_formsets"]:
        formset = inline.formset
        _add(posted, formset.management_form)
        if hasattr(formset, "start"):
            _add(posted, formset.start)
        for form in formset.forms:
            _add(posted, form)
    return posted


def _add(posted: dict[str, Any], form: Any) -> None:
    for bound in form:
        value = bound.value()
        if isinstance(value, list):
            posted[bound.html_name] = value
        elif value is True:
            posted[bound.html_name] = "on"
        elif value is not None and value is not False:
            posted[bound.html_name] = _as_shown(bound.field.widget, value)


def _as_shown(widget: Any, value: Any) -> str:
    shown = widget.format_value(value)
    return "".join(shown) if isinstance(shown, list) else str(shown or "")


def errors_on(response: Any) -> dict[str, list[str]]:
    """Return the errors beside the fields of the page shown again."""
    form = response.context["adminform"].form
    return {name: list(texts) for name, texts in form.errors.items()}


def line_errors_on(response: Any, model: type) -> list[str]:
    formset = next(
        inline.formset
        for inline in response.context["inline_admin_formsets"]
        if inline.formset.model is model
    )
    of_rows = [
        str(text) for row in formset.errors for texts in row.values() for text in texts
    ]
    return [*of_rows, *map(str, formset.non_form_errors())]
