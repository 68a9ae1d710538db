"""Supposed facts as JSON: read with every error named, and answered in kind."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracker.fit.evidence import Observation
from tracker.fit.stated import OutOfRangeError, Scale
from tracker.fit.what_if import Answered, Facts, Part, Work

MODELS = {"managed": True, "augmented": False, None: None}
MODEL_NAMES = {True: "managed", False: "augmented", None: None}
CASE_KEYS = ("id", "current_model", "facts", "parts")
PART_KEYS = ("name", "facts")
FACT_KEYS = ("value", "records")
LONGEST_NAME = 200


class FactsError(Exception):
    """What was given can't be judged; `problems` names everything that is wrong."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


@dataclass(frozen=True)
class Asked:
    """The works of a file by their ids; `is_list` where it held a list of them."""

    works: tuple[tuple[str | int, Work], ...]
    is_list: bool


def read(text: str, scales: Mapping[str, Scale]) -> Asked:
    """Read one object or a list of them. Raises FactsError naming all that is wrong.

    `scales` are the criteria that may be stated, by code.
    """
    document = _parsed(text)
    reader = _Reader(scales)
    if isinstance(document, list):
        works = [reader.case(case, f"[{at}]") for at, case in enumerate(document)]
    else:
        works = [reader.case(document, "")]
    reader.refuse_repeated([name for name, _work in works])
    if reader.problems:
        raise FactsError(reader.problems)
    return Asked(works=tuple(works), is_list=isinstance(document, list))


def told(name: str | int, answered: Answered) -> dict[str, Any]:
    """The answer for one id, as JSON can hold it."""
    blend = answered.blend
    return {
        "id": name,
        **_answer(answered),
        "blend": blend
        and {"managed": list(blend.managed), "augmented": list(blend.augmented)},
        "parts": [{"name": part, **_answer(of)} for part, of in answered.parts],
    }


def _answer(answered: Answered) -> dict[str, Any]:
    judgement, explanation = answered.judgement, answered.explanation
    return {
        "verdict": answered.verdict.value,
        "leaning": MODEL_NAMES[answered.leans_managed],
        "acceptability": judgement.acceptability,
        "coverage": judgement.coverage,
        "headline": explanation.sentences["headline"],
        "points": explanation.points,
        "missing": explanation.missing,
        "counterfactuals": explanation.counterfactuals,
    }


def _parsed(text: str) -> Any:
    try:
        return json.loads(
            text, parse_constant=_no_number, object_pairs_hook=_without_repetition
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise FactsError([f"This is no JSON: {error.msg} at {where}."]) from error
    except ValueError as error:
        raise FactsError([f"This is no JSON to judge by: {error}."]) from error
    except RecursionError as error:
        raise FactsError(["This is no JSON to judge by: nested too deeply."]) from error


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is not a number")


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"“{twice}” stands twice in one object")
    return found


class _Reader:
    """Turns the document into works, and notes what is wrong as it goes."""

    def __init__(self, scales: Mapping[str, Scale]) -> None:
        self.problems: list[str] = []
        self._scales = scales

    def case(self, given: Any, at: str) -> tuple[str | int, Work]:
        where = at or "the case"
        if not self._is_object(given, CASE_KEYS, where):
            return "", Work(is_managed=None, facts={})
        name = given.get("id")
        if not (_is_name(name) or _is_whole(name)):
            self.problems.append(
                f"{where}: id is {_shown(name)}; give a whole number or a printable"
                f" text up to {LONGEST_NAME} letters"
            )
            name = ""
        where = f"{at}{' ' if at else ''}{name!r}" if name != "" else where
        model = given.get("current_model")
        if not isinstance(model, str | None) or model not in MODELS:
            self.problems.append(
                f"{where}: current_model is {_shown(model)};"
                ' give "managed", "augmented" or null'
            )
            model = None
        return name, Work(
            is_managed=MODELS[model],
            facts=self._facts(given.get("facts", {}), f"{where}: facts"),
            parts=self._parts(given.get("parts", []), f"{where}: parts"),
        )

    def refuse_repeated(self, names: list[str | int]) -> None:
        for name in dict.fromkeys(n for n in names if n != "" and names.count(n) > 1):
            self.problems.append(f"id {name!r} stands more than once")

    def _parts(self, given: Any, where: str) -> tuple[Part, ...]:
        if not isinstance(given, list):
            self.problems.append(f"{where}: give a list of objects")
            return ()
        parts = [self._part(part, f"{where}[{at}]") for at, part in enumerate(given)]
        names = [part.name for part in parts]
        for name in dict.fromkeys(n for n in names if n and names.count(n) > 1):
            self.problems.append(f"{where}: name {name!r} stands more than once")
        return tuple(parts)

    def _part(self, given: Any, where: str) -> Part:
        if not self._is_object(given, PART_KEYS, where):
            return Part(name="", facts={})
        name = given.get("name")
        if not _is_name(name):
            self.problems.append(
                f"{where}: name is {_shown(name)}; give a printable text up to"
                f" {LONGEST_NAME} letters"
            )
            name = ""
        return Part(str(name), self._facts(given.get("facts", {}), f"{where}.facts"))

    def _facts(self, given: Any, where: str) -> Facts:
        if not isinstance(given, dict):
            self.problems.append(f"{where}: give an object of criteria")
            return {}
        found = {}
        for code, fact in given.items():
            observation = self._fact(code, fact, f"{where}.{code}")
            if observation is not None:
                found[code] = observation
        return found

    def _fact(self, code: str, given: Any, where: str) -> Observation | None:
        if code not in self._scales:
            known = ", ".join(self._scales)
            self.problems.append(f"{where}: unknown criterion; known are {known}")
            return None
        if not self._is_object(given, FACT_KEYS, where):
            return None
        value, records = given.get("value"), given.get("records")
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.problems.append(f"{where}: value is {_shown(value)}; give a number")
            return None
        if records is not None and not _is_whole(records):
            self.problems.append(
                f"{where}: records is {_shown(records)}; give a whole number, or none"
            )
            return None
        try:
            return self._scales[code].observation(float(value), records)
        except OutOfRangeError as error:
            self.problems.append(f"{where}: {error}")
        except OverflowError:
            self.problems.append(f"{where}: value is out of range: far too large")
        return None

    def _is_object(self, given: Any, keys: tuple[str, ...], where: str) -> bool:
        if not isinstance(given, dict):
            wanted = ", ".join(keys)
            self.problems.append(f"{where}: give an object with {wanted}")
            return False
        for key in given:
            if key not in keys:
                known = ", ".join(keys)
                self.problems.append(f"{where}: unknown key “{key}”; known are {known}")
        return True


def _is_name(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    return bool(value.strip()) and value.isprintable() and len(value) <= LONGEST_NAME


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:60]}…"
