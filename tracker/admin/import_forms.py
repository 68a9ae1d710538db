"""What a person says about an uploaded file: which it is, its columns, its gaps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from engagements.values.language import translated
from tracker.imports.kinds import kind_named
from tracker.imports.problems import shown
from tracker.imports.services import Preview
from tracker.imports.tables import LARGEST_FILE_BYTES

if TYPE_CHECKING:
    CheckboxWidget = forms.CheckboxInput
    DateWidget = SelectWidget = TextAreaWidget = TextWidget = FileWidget = forms.Widget
else:
    from unfold.widgets import UnfoldAdminFileFieldWidget as FileWidget
    from unfold.widgets import UnfoldAdminSelectWidget as SelectWidget
    from unfold.widgets import UnfoldAdminTextareaWidget as TextAreaWidget
    from unfold.widgets import UnfoldAdminTextInputWidget as TextWidget
    from unfold.widgets import UnfoldBooleanSwitchWidget as CheckboxWidget


# What a person can say about a file, where its kind can use it.
OPTIONS = frozenset(
    {
        "undated_on",
        "date_format",
        "currency",
        "decimal_comma",
        "category_models",
        "engagement",
        "benchmark_set",
        "year",
        "source",
        "licence",
    }
)


class UploadForm(forms.Form):
    kind = forms.ChoiceField(label=_("What it holds"), widget=SelectWidget())
    file = forms.FileField(
        label=_("File"),
        widget=FileWidget(attrs={"accept": ".csv,.txt,.tsv,.xlsx,.json"}),
        help_text=_("CSV, XLSX or JSON. At most %(size)d MB.")
        % {"size": LARGEST_FILE_BYTES // 1024**2},
    )

    def __init__(self, *args: Any, kinds: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields["kind"]
        assert isinstance(kind, forms.ChoiceField)  # noqa: S101 - for the type checker
        kind.choices = [(name, translated(kind_named(name).label)) for name in kinds]
        kind.initial = kinds[0] if kinds else None

    def clean_file(self) -> "UploadedFile[bytes]":
        upload: UploadedFile[bytes] = self.cleaned_data["file"]
        if (upload.size or 0) > LARGEST_FILE_BYTES:
            raise ValidationError(
                _("The file exceeds %(size)d MB. Split it, and upload part by part."),
                params={"size": LARGEST_FILE_BYTES // 1024**2},
            )
        return upload


class ColumnsForm(forms.Form):
    """A select per field, filled with the suggestion, and the file's gaps."""

    undated_on = forms.CharField(
        label=_("Date lines without a date"),
        required=False,
        widget=TextWidget(attrs={"placeholder": "2014-05-15"}),
        help_text=_("Blank: they are refused. They are counted in the report."),
    )
    date_format = forms.CharField(
        label=_("How dates are written"),
        required=False,
        widget=TextWidget(attrs={"placeholder": "%d/%m/%Y"}),
        help_text=_("Blank: found out from the file's own dates."),
    )
    currency = forms.CharField(
        label=_("Currency"),
        required=False,
        max_length=3,
        widget=TextWidget(attrs={"placeholder": "GBP"}),
        help_text=_("Of lines that name none. Blank: as the file says, else GBP."),
    )
    decimal_comma = forms.BooleanField(
        label=_("A comma stands before the cents"),
        required=False,
        widget=CheckboxWidget(),
        help_text=_("1.234,50 is read as one thousand two hundred."),
    )
    engagement = forms.CharField(
        label=_("Engagement"),
        required=False,
        max_length=200,
        widget=TextWidget(attrs={"placeholder": "MSC-00012"}),
        help_text=_("Of lines that name none: its reference or external id."),
    )
    benchmark_set = forms.CharField(
        label=_("Benchmark set"),
        required=False,
        max_length=120,
        widget=TextWidget(),
        help_text=_("Its name. A new one needs its year, source and licence."),
    )
    year = forms.CharField(
        label=_("Year"),
        required=False,
        max_length=4,
        widget=TextWidget(attrs={"placeholder": "2016"}),
        help_text=_("Of which the prices are; shown wherever they are."),
    )
    source = forms.CharField(
        label=_("Source"), required=False, max_length=300, widget=TextWidget()
    )
    licence = forms.CharField(
        label=_("Licence"), required=False, max_length=120, widget=TextWidget()
    )
    category_models = forms.CharField(
        label=_("Model by category"),
        required=False,
        widget=TextAreaWidget(
            attrs={"rows": 3, "placeholder": "Consultants Fees = augmented"}
        ),
        help_text=_(
            "One per line: category or its code = managed or augmented. Others are"
            " chosen by their words: agency, temporary and interim staff are augmented."
        ),
    )

    def __init__(
        self, *args: Any, preview: Preview, kind_name: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        columns = preview.source.table.columns
        chosen = preview.source.mapping.by_field
        choices = [("", _("— no column —")), *((c, shown(c)) for c in columns)]
        kind = kind_named(kind_name)
        for name in OPTIONS.difference(kind.options):
            del self.fields[name]
        self.kind_fields = kind.fields
        for field in self.kind_fields:
            self.fields[f"column_{field.name}"] = forms.ChoiceField(
                label=capfirst(translated(field.label)),
                choices=choices,
                required=False,
                initial=chosen.get(field.name, ""),
                widget=SelectWidget(),
            )

    def corrections(self) -> dict[str, str]:
        return {
            field.name: self.cleaned_data[f"column_{field.name}"]
            for field in self.kind_fields
        }

    def options(self) -> dict[str, Any]:
        return {
            name: self.cleaned_data[name] for name in OPTIONS if name in self.fields
        }

    def clean_category_models(self) -> dict[str, str]:
        choices = {}
        for line in self.cleaned_data["category_models"].splitlines():
            if not line.strip():
                continue
            category, equals, model = line.rpartition("=")
            if not equals or not category.strip():
                raise ValidationError(_("Write each line as: category = augmented."))
            choices[category.strip()] = model.strip()
        return choices


def options_as_initial(options: dict[str, Any]) -> dict[str, Any]:
    """Return stored options as the form shows them."""
    models = options.get("category_models") or {}
    lines = "\n".join(f"{category} = {model}" for category, model in models.items())
    return {**options, "category_models": lines}
