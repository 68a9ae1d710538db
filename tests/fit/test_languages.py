"""What the night says, in each language of the product; English as it always was."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial

import pytest
import time_machine
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils import translation

from config.languages import ENGLISH, TRANSLATED
from engagements.choices import Role
from engagements.models import TenurePolicy
from engagements.services.tenure import TenureClock
from engagements.values.language import locale, translated
from engagements.values.periods import add_months
from engagements.values.tenure import Clock, Served
from tests.api.callers import client_for
from tests.dashboards.test_topics import rows_of
from tests.factories import make_department, make_user
from tests.fit.records import (
    TODAY,
    body_shop_under_a_fee,
    good_managed,
    running_assignment,
)
from tests.fit.test_assessing import limit_tenure
from tests.fit.test_counterfactual import LEANING
from tests.fit.test_explanation import NICHE, WORDINGS, told
from tests.fit.test_intake import TOWARDS_MANAGED
from tests.fit.test_judgement import RULEBOOK, mean, share
from tracker.fit.evidence import Mean, Observation, Prior, Share, Variation
from tracker.fit.explanation import headline, percent
from tracker.fit.judgement import Case, judge
from tracker.fit.market import Used
from tracker.fit.models import Assessment, Flag, GroupVerdict
from tracker.fit.patterns import all_patterns
from tracker.fit.patterns.chronic_breach import _Breach
from tracker.fit.patterns.credits_ignored import _Run
from tracker.fit.patterns.hidden_headcount import _Billed, _Headcount, _Named
from tracker.fit.patterns.manager_overload import Overload
from tracker.fit.patterns.over_specified_level import _Held
from tracker.fit.patterns.shadow_managed_service import _Shadow, _Team
from tracker.fit.patterns.tenure_near import _Near
from tracker.fit.reading import changes_of, headline_of, missing_of, points_of
from tracker.fit.services import Planned, assess, give_advice
from tracker.fit.services.wording import in_english, in_other_languages
from tracker.fit.shares import Directed
from tracker.fit.verdict import Verdict
from tracker.fit.what_if import Part, Work, answer
from tracker.notify.services import send_reminders

PATTERNS = {pattern.code: pattern for pattern in all_patterns()}
CODES = [ENGLISH, *TRANSLATED]


def in_each(say: Callable[[], object]) -> list[str]:
    """What is said in English, German and Spanish."""
    found = []
    for code in CODES:
        with translation.override(code):
            found.append(str(say()))
    return found


def counted(value: float, **figures: float) -> Mean:
    return replace(mean(value), figures=figures)


def varied(*, is_hours: bool) -> Variation:
    return Variation(
        log_variance=0.09, months=12, records=12, figures={"is_hours": is_hours}
    )


# Of each criterion what it may have gathered: one for every way to say it.
GATHERED: Mapping[str, Sequence[Observation]] = {
    "core_work": [share(0.8)],
    "coverage": [share(0.4)],
    "direction": [share(0.9)],
    "in_house_team": [mean(3.0)],
    "manager_load": [mean(1.05)],
    "measurability": [share(0.5)],
    "performance": [
        replace(share(0.2, 10), figures={"windows": 10}),
        replace(share(0.2, 1), figures={"reviews": 1}),
        replace(share(0.2, 3), figures={"reviews": 3}),
        replace(share(0.2, 4), figures={"left": 1, "years": 4.0}),
        replace(share(0.2, 4), figures={"left": 2, "years": 4.5}),
        replace(
            share(0.2, 5),
            figures={"reviews": 1, "shortfall": 0.1, "left": 0, "years": 4.0},
        ),
        share(0.2),
    ],
    "permanence": [mean(31.0), counted(31.0, gaps=1), counted(1.0, gaps=0)],
    "scaling_friction": [
        counted(0.0, steps=0, months=12),
        counted(1.0, steps=1, months=12),
        counted(4.0, steps=4, months=12),
    ],
    "scope_change": [share(0.2)],
    "skill_development": [share(0.3)],
    "skills_breadth": [mean(4.5)],
    "skills_depth": [share(0.9)],
    "steadiness": [varied(is_hours=True), varied(is_hours=False)],
    "strategic_guidance": [
        counted(0.3, pieces=1, months=12),
        counted(1.0, pieces=4, months=12),
    ],
    "team_integrity": [counted(0.0, people=2), counted(14.0, people=5)],
}


def test_every_criterion_is_told_in_every_language() -> None:
    """A sentence that reads like the English one has been forgotten."""
    assert set(GATHERED) == set(WORDINGS)
    said = [
        in_each(partial(WORDINGS[code].sentence, observation))
        for code, observations in GATHERED.items()
        for observation in observations
    ]
    said += [in_each(partial(translated, c.quantity)) for c in WORDINGS.values()]
    assert [english for english, *others in said if english in others] == []


NEAR = TenureClock(
    policy=TenurePolicy(name="Two years", maximum_months=24, source="our own rule"),
    clock=Clock(
        served=Served(months=22, days=0),
        is_reached=False,
        limit_on=date(2027, 3, 1),
        exceeded_on=None,
    ),
)
TEAM = _Team("service", (1, 2, 3), 3, date(2024, 3, 1))
HOURS = Directed(ours=900.0, whole=1000.0, records=9)
# Of each pattern what it may have seen, likewise.
SEEN: Mapping[str, Sequence[object]] = {
    "chronic_breach": [
        _Breach("Availability", 3, 10, others=0),
        _Breach("Availability", 3, 10, others=1),
        _Breach("Availability", 3, 10, others=2),
    ],
    "credits_ignored": [_Run(3, date(2026, 6, 1), date(2026, 8, 1))],
    "hidden_headcount": [
        _Headcount(HOURS, 0.97, _Billed(3, 4)),
        _Headcount(HOURS, 0.97, _Named(1)),
        _Headcount(HOURS, 0.97, _Named(2)),
    ],
    "idle_capacity": [Used(Decimal(960), Decimal(120_000), [Decimal(70)] * 9)],
    "manager_overload": [Overload(1.25, 0.9)],
    "over_specified_level": [_Held(24, 0.56)],
    "shadow_managed_service": [
        _Shadow(TEAM, 0.3, None),
        _Shadow(replace(TEAM, place="manager"), 0.3, 0.12),
    ],
    "steady_time_and_materials": [
        varied(is_hours=True),
        Variation(log_variance=0.0, months=11, records=11),
    ],
    "tenure_near": [_Near(NEAR, TODAY)],
}


def word(code: str, seen: object, part: str) -> str:
    return str(getattr(PATTERNS[code].words(seen), part))


def test_every_pattern_is_told_in_every_language() -> None:
    assert set(SEEN) == set(PATTERNS)
    said = [
        in_each(partial(word, code, seen, part))
        for code, examples in SEEN.items()
        for seen in examples
        for part in ("sentence", "value", "threshold")
    ]
    assert [english for english, *others in said if english in others] == []


@pytest.mark.parametrize(
    ("code", "observation", "german", "spanish"),
    [
        (
            "direction",
            Share(part=1720, whole=1912, records=40),
            "unsere Führungskräfte wiesen 90 % von 1.912 Stunden zu",
            "nuestros responsables asignaron el 90 % de 1.912 horas",
        ),
        (
            "skills_breadth",
            mean(4.55),
            "die Arbeit verteilt sich auf 4,5 Kompetenzen",
            "trabajo repartido entre 4,5 competencias",
        ),
        (
            "steadiness",
            varied(is_hours=False),
            "die monatlichen Ausgaben schwanken um 31 %",
            "el gasto mensual varía un 31 %",
        ),
        (
            "permanence",
            counted(1.0, gaps=1),
            "für 1 Monat benötigt",
            "necesario durante 1 mes",
        ),
    ],
)
def test_fact_is_told_with_its_figures_as_the_reader_writes_them(
    code: str, observation: Observation, german: str, spanish: str
) -> None:
    said = in_each(lambda: WORDINGS[code].sentence(observation))
    assert said[1:] == [german, spanish]


def test_pattern_is_told_with_its_months_and_days_as_the_reader_writes_them() -> None:
    run = _Run(3, date(2026, 6, 1), date(2026, 8, 1))
    assert in_each(lambda: word("credits_ignored", run, "sentence"))[1:] == [
        "Servicegutschriften 3 Monate in Folge an ihrer Obergrenze, von Juni 2026 bis"
        " August 2026",
        "bonificaciones por servicio en su tope durante 3 meses seguidos, de junio de"
        " 2026 a agosto de 2026",
    ]
    assert in_each(lambda: word("tenure_near", _Near(NEAR, TODAY), "value")) == [
        "limit on 1 March 2027",
        "Grenze am 1. März 2027",
        "límite el 1 de marzo de 2027",
    ]


@pytest.mark.parametrize("is_managed", [True, False, None])
@pytest.mark.parametrize("is_strong", [True, False])
@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_headline_is_told_in_every_language(
    verdict: Verdict, is_strong: bool, is_managed: bool | None
) -> None:
    case = replace(LEANING, is_managed=is_managed)
    judgement = replace(
        judge([case], RULEBOOK).judgements[0], verdict=verdict, is_strong=is_strong
    )
    for opposition in (0.001, 0.4, 0.999):
        found = replace(judgement, opposition=opposition, coverage=opposition)
        english, german, spanish = in_each(partial(headline, case, found))
        assert len({english, german, spanish}) == 3


def test_headline_in_german_and_spanish() -> None:
    case = Case(is_managed=True, facts=NICHE)
    assert in_each(lambda: told(case).sentences["headline"])[1:] == [
        "Personalverstärkung würde viel besser passen: Das sagen 85 % der plausiblen"
        " Prioritäten und Lesarten der Belege.",
        "El refuerzo encajaría mucho mejor: así lo indica el 85 % de las prioridades y"
        " lecturas plausibles de la evidencia.",
    ]
    assert in_each(lambda: percent(0.999)) == [
        "more than 99 %",
        "mehr als 99 %",
        "más del 99 %",
    ]


def test_what_would_change_a_verdict_is_told_in_every_language() -> None:
    def changes(case: Case) -> str:
        return "\n".join(c["sentence"] for c in told(case).counterfactuals)

    english, german, spanish = (
        said.splitlines() for said in in_each(lambda: changes(LEANING))
    )
    place = english.index("if the spread of the work fell below 2.1 skills")
    assert german[place] == "wenn die Streuung der Arbeit unter 2,1 Kompetenzen fiele"
    assert spanish[place] == "si la dispersión del trabajo bajara de 2,1 competencias"
    one_sided = NICHE | {"coverage": share(0.0), "manager_load": mean(0.2)}
    pair = in_each(lambda: changes(Case(is_managed=True, facts=one_sided)))
    assert [said.split(";")[0] for said in pair] == [
        "no single fact would change this",
        "keine einzelne Angabe würde dies ändern",
        "ningún dato por sí solo cambiaría esto",
    ]


def test_missing_portfolio_s_part_and_blend_are_told_in_every_language() -> None:
    lacking = Case(
        is_managed=True, facts={}, priors={"direction": Prior(quantiles=(0.0,) * 8)}
    )
    assert in_each(lambda: told(lacking).points[0]["sentence"])[1:] == [
        "das Portfolio steht für das, was nicht erfasst ist",
        "la cartera suple lo que no está registrado",
    ]
    unknown = Case(is_managed=True, facts={})
    assert in_each(lambda: told(unknown).sentences["not_recorded"])[1].startswith(
        "Nicht erfasst: „Wer die Arbeit zuweist“ würde das Urteil um bis zu "
    )
    assert in_each(lambda: told(unknown).missing[0]["label"])[1:] == [
        "Wer die Arbeit zuweist",
        "Quién asigna el trabajo",
    ]
    work = Work(
        is_managed=None,
        facts={},
        parts=(Part("Night desk", {"direction": share(0.0), "coverage": share(1.0)}),),
    )
    assert len(set(in_each(lambda: sentence_of(work)))) == 3


def sentence_of(work: Work) -> str:
    (answered,) = answer([work], RULEBOOK, WORDINGS, {})
    return str(answered.explanation.sentences["headline"])


def test_other_languages_are_stored_by_locale_and_english_is_spoken_by_default() -> (
    None
):
    with translation.override("de"):
        assert in_english(locale) == "en_GB"
        assert in_other_languages(locale) == {"de": "de", "es": "es"}
        assert locale() == "de"


@pytest.fixture
def flagged(db: None) -> Flag:
    """A flag on a contract whose manager reads German; judged by a German speaker."""
    manager = make_user(
        Role.MANAGER,
        department=make_department(),
        language="de",
        email="manager@example.org",
    )
    body_shop_under_a_fee(manager=manager)
    with translation.override("de"):
        assess(as_of=TODAY, actor=None)
    return Flag.objects.get()


def test_english_stands_in_the_fields_and_the_others_beside(flagged: Flag) -> None:
    stored = Assessment.objects.get(as_of=TODAY)
    assert flagged.sentence == "our managers assigned 90 % of 1,010 hours"
    assert stored.sentences["for"][0] == flagged.sentence
    assert flagged.wordings == {
        "de": "unsere Führungskräfte wiesen 90 % von 1.010 Stunden zu",
        "es": "nuestros responsables asignaron el 90 % de 1.010 horas",
    }
    assert stored.wordings is not None
    for words in stored.wordings.values():
        assert set(words["points"]) == {point["code"] for point in stored.points}
        assert len(words["counterfactuals"]) == len(stored.counterfactuals)


def test_reader_s_words_are_picked_and_all_else_is_as_stored(flagged: Flag) -> None:
    stored = Assessment.objects.get(as_of=TODAY)
    assert points_of(stored) == stored.points
    assert missing_of(stored) == stored.missing
    assert changes_of(stored) == stored.counterfactuals
    with translation.override("es"):
        assert points_of(stored)[0] == stored.points[0] | {
            "label": "Quién asigna el trabajo",
            "sentence": flagged.strongest_reason,
            "value": "90 %",
        }
        assert headline_of(stored).startswith("El refuerzo encajaría")
        assert (
            changes_of(stored)[0]["sentence"] != stored.counterfactuals[0]["sentence"]
        )
        assert missing_of(stored)[0]["label"] != stored.missing[0]["label"]


def test_row_of_before_is_read_in_english(flagged: Flag) -> None:
    Assessment.objects.update(wordings=None)
    Flag.objects.update(wordings=None)
    stored, flag = Assessment.objects.get(as_of=TODAY), Flag.objects.get()
    with translation.override("de"):
        assert flag.strongest_reason == flag.sentence
        assert points_of(stored)[0]["sentence"] == stored.points[0]["sentence"]
        assert headline_of(stored) == stored.sentences["headline"]
        assert changes_of(stored) == stored.counterfactuals


def test_next_night_rewords_what_was_stored_in_english_alone(flagged: Flag) -> None:
    told_before = Assessment.objects.get(as_of=TODAY)
    Assessment.objects.update(wordings=None)
    Flag.objects.update(wordings=None)
    assess(as_of=TODAY, actor=None)
    anew = Assessment.objects.get(as_of=TODAY)
    assert (anew.wordings, anew.sentences) == (
        told_before.wordings,
        told_before.sentences,
    )
    assert Flag.objects.get().wordings == flagged.wordings
    assess(as_of=TODAY, actor=None)
    assert Assessment.objects.get(as_of=TODAY).pk == anew.pk


def test_flag_whose_evidence_is_gone_keeps_its_english_words(flagged: Flag) -> None:
    Flag.objects.update(wordings=None, sentence="as an older engine said it")
    assess(as_of=TODAY, actor=None)
    assert Flag.objects.get().wordings is None


def test_flag_of_a_dated_pattern_is_reworded_while_it_shows_unchanged(
    db: None,
) -> None:
    limit_tenure()
    running_assignment(starts_on=add_months(TODAY, -22))
    assess(as_of=TODAY, actor=None)
    said = Flag.objects.get().wordings
    assert said is not None
    assert said["de"].startswith("22 von 24 Monaten geleistet, Grenze am ")
    Flag.objects.update(wordings=None)
    assess(as_of=TODAY, actor=None)
    assert Flag.objects.get().wordings == said


def test_group_s_verdict_is_told_in_every_language(db: None) -> None:
    manager = make_user(Role.MANAGER)
    for _ in range(2):
        good_managed(manager=manager)
    assess(as_of=TODAY, actor=None)
    group = GroupVerdict.objects.first()
    assert group is not None
    english, german, spanish = in_each(lambda: headline_of(group))
    assert english == group.sentences["headline"]
    assert len({english, german, spanish}) == 3


def test_manager_reads_german_on_every_page_and_in_the_mail(
    flagged: Flag, client: Client
) -> None:
    contract = flagged.engagement
    reader = contract.manager
    assert reader is not None
    client.force_login(reader)
    reason = "Unsere Führungskräfte wiesen 90 % von 1.010 Stunden zu"
    with time_machine.travel(f"{TODAY}T12:00:00+00:00", tick=False):
        pages = [
            "/admin/",
            "/admin/tracker/flag/",
            f"/admin/tracker/flag/{flagged.pk}/change/",
            f"/admin/engagements/managedcontract/{contract.pk}/change/",
        ]
        for page in pages:
            body = client.get(page, follow=True).content.decode()
            assert reason in body or "Personalverstärkung würde" in body, page
            assert "our managers assigned" not in body.lower(), page
        row = rows_of(client, "my", "my-flags")[0]
        assert reason in row.values()
        send_reminders(today=TODAY)
    (message,) = mail.outbox
    assert isinstance(message, EmailMultiAlternatives)
    for written in (str(message.body), str(message.alternatives[0][0])):
        assert reason in written
        assert "Anders wäre es, wenn d" in written or "Keine einzelne " in written
        assert "our managers" not in written


def test_api_is_english_whoever_asks(flagged: Flag) -> None:
    api = client_for(make_user(Role.ADMINISTRATOR, language="de"), "model-flags:read")
    answered = api.get("/api/v1/model-flags", headers={"Accept-Language": "de"})
    (told_of,) = answered.json()["results"]
    stored = Assessment.objects.get(as_of=TODAY)
    assert told_of["reason"] == flagged.sentence
    assert told_of["assessment"]["points"] == stored.points
    assert told_of["assessment"]["headline"] == stored.sentences["headline"]


def test_advice_asked_for_in_german_is_kept_in_every_language(db: None) -> None:
    asker = make_user(Role.MANAGER, department=make_department())
    planned = Planned(title="Desk", currency="GBP", answers=TOWARDS_MANAGED)
    with translation.override("de"):
        advice = give_advice(planned=planned, actor=asker)
    advice.refresh_from_db()
    assert advice.sentences["headline"].startswith("A managed service would fit")
    assert [said.split(" ")[0] for said in in_each(lambda: headline_of(advice))] == [
        "A",
        "Ein",
        "Un",
    ]
    assert advice.wordings is not None
    assert len(advice.wordings["de"]["points"]) == len(advice.points)
