"""What is stored in words, as its reader reads it.

English stands in the fields themselves; `wordings` holds the other languages, by
locale.  What was stored before there were any is read in English.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from engagements.values.language import locale, translated


class Worded(Protocol):
    """A row with sentences; the fields are read only when they are asked for."""

    sentences: Any
    wordings: Any


class Explained(Worded, Protocol):
    points: Any
    missing: Any
    counterfactuals: Any


def spoken(wordings: Mapping[str, Any] | None) -> Any:
    """What is stored for the reader's language; None where it is English."""
    return (wordings or {}).get(locale())


def headline_of(row: Worded) -> str:
    said = spoken(row.wordings) or {}
    return str(said.get("sentences", row.sentences).get("headline", ""))


def points_of(row: Explained) -> list[dict[str, Any]]:
    said = (spoken(row.wordings) or {}).get("points", {})
    return [
        point
        | {"label": translated(point["label"])}
        | dict(zip(("sentence", "value"), said.get(point["code"], ()), strict=False))
        for point in row.points
    ]


def missing_of(row: Explained) -> list[dict[str, Any]]:
    return [fact | _declared(fact) for fact in row.missing]


def changes_of(row: Explained) -> list[dict[str, Any]]:
    """What would change the verdict: the counterfactuals, in their order."""
    said = spoken(row.wordings)
    if not said:
        return list(row.counterfactuals)
    told = zip(row.counterfactuals, said["counterfactuals"], strict=True)
    return [change | {"sentence": sentence} for change, sentence in told]


def _declared(fact: Mapping[str, Any]) -> dict[str, str]:
    """What its criterion declares of a fact."""
    names = ("label", "question", "how_to_record")
    return {name: translated(fact[name]) for name in names if fact.get(name)}
