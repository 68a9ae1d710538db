"""From a category of spend to one of the two models.

Agency staff, temporary staff, interims, secondees and locums work as our managers
direct: augmented. Contracted services, sub-contractors, maintenance and outsourcing
buy a result: managed. Consultants count as managed, since advice is bought as a result
while staff substitution is booked apart (the United Kingdom's Cabinet Office draws the
line between consultancy and contingent labour in the same place). A category that says
nothing of the kind becomes managed too, marked as not certain.
"""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

Model = Literal["managed", "augmented"]
MODELS: tuple[Model, ...] = ("managed", "augmented")

# Oxford City Council's expenditure codes, as its files name them (OxOpenData,
# expenditure-over-500, 2014 to 2018); that of July to September 2017 has only codes.
KNOWN_CODES: Mapping[str, str] = {
    "A0108": "Temporary Bureau Staffing",
    "A0638": "IT Skills Development",
    "B1111": "Direct Services Sub Contractors",
    "B1602": "Contract Cleaning",
    "D3401": "General Contracted Services",
    "D3411": "Consultants Fees",
    "D3511": "Software Purchase",
    "D3512": "Software Rental",
    "D3513": "Software Maintenance/Running Costs",
    "D3522": "Hardware Contracted Maintenance",
}

_NOT_LETTERS = re.compile(r"[\W_]+")
# In this order: sub-contractors are no contractors in our sense, nor is staff training.
_RULES: tuple[tuple[re.Pattern[str], Model], ...] = (
    (re.compile(r"\bsub ?contract"), "managed"),
    (
        re.compile(
            r"\b(agency|temporary|temps?|interims?|staffing|contingent|locums?"
            r"|second(ment|ee)s?|staff (augmentation|substitution)|augmented"
            r"|contract(ed)?( \w+)? staff|contractors|body ?shop\w*|day rates?)\b"
        ),
        "augmented",
    ),
    (
        re.compile(
            r"\b(contract(ed)?|managed?|outsourc\w*|maintenance|support|cleaning"
            r"|consult\w*|professional|facilities|services?|running costs?|hosting)\b"
        ),
        "managed",
    ),
)


class ModelChoice(NamedTuple):
    model: Model
    # False where nothing in the category speaks for it.
    is_certain: bool


def normalise_category(text: str) -> str:
    """Return the category as words in lower case, so that spellings can be matched."""
    return _NOT_LETTERS.sub(" ", text.casefold()).strip()


def choose_model(
    category: str, code: str, chosen: Mapping[str, Model] | None = None
) -> ModelChoice:
    """Return the model for a category; `chosen` by category or code comes first."""
    words = normalise_category(category)
    for key, model in (chosen or {}).items():
        if normalise_category(key) in {words, normalise_category(code)} - {""}:
            return ModelChoice(model, is_certain=True)
    for pattern, model in _RULES:
        if pattern.search(words):
            return ModelChoice(model, is_certain=True)
    return ModelChoice("managed", is_certain=False)
