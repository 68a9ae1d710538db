"""The demo company's budgets, and invented rates to compare its contractors with."""

from collections.abc import Iterator
from decimal import Decimal

from engagements.choices import RateUnit
from tracker.demo.founding import Cast
from tracker.spend.benchmarking import roles_at_work
from tracker.spend.budget_standing import fiscal_months, fiscal_year_of, standings
from tracker.spend.models import BenchmarkSet, Budget, BudgetPolicy, RoleBenchmark
from tracker.spend.percentiles import percentiles
from tracker.spend.services import (
    choose_benchmark,
    set_budget,
    set_budget_policy,
    store_benchmarks,
)
from tracker.spend.services.benchmarks import PublishedRate

HUNDRED = Decimal(100)
# What the year will have used of each budget, in percent: one over, one near.
PLANNED_USE = {"4100": Decimal(108), "4210": Decimal(91)}
USUAL_USE = Decimal(72)
GROWTH = Decimal("0.94")
# Of the median, as bodies that publish rates see the market.
QUARTILES = (Decimal("0.88"), Decimal(1), Decimal("1.16"))
DAY_RATES = {
    "engineer": Decimal(590),
    "analyst": Decimal(520),
    "architect": Decimal(760),
    "manager": Decimal(640),
    "tester": Decimal(430),
}


def set_budgets(cast: Cast) -> None:
    """Give each cost centre a budget of this fiscal year and of the one before."""
    finance, year = cast.people["finance"], fiscal_year_of(cast.today)
    set_budget_policy(policy=BudgetPolicy(), actor=finance)
    budgets = [
        set_budget(
            budget=Budget(cost_centre=centre, year=year), amounts={}, actor=finance
        )
        for centre in cast.centres.values()
    ]
    for standing in standings(budgets):
        code = standing.budget.cost_centre.code
        used = standing.used_until().total
        whole = used * HUNDRED / PLANNED_USE.get(code, USUAL_USE)
        monthly = (whole / 12 / HUNDRED).to_integral_value() * HUNDRED
        months = fiscal_months(year)
        set_budget(
            budget=standing.budget,
            amounts=dict.fromkeys(months, monthly),
            actor=finance,
        )
        earlier = (monthly * GROWTH / HUNDRED).to_integral_value() * HUNDRED
        set_budget(
            budget=Budget(cost_centre=standing.budget.cost_centre, year=year - 1),
            amounts=dict.fromkeys(fiscal_months(year - 1), earlier),
            actor=finance,
        )


def compare_rates(cast: Cast) -> None:
    """Compare the roles with rates that say of themselves that they are invented."""
    finance = cast.people["finance"]
    benchmark_set = store_benchmarks(
        benchmark_set=BenchmarkSet(
            name="Demonstration rates",
            year=cast.today.year - 1,
            source="Invented for this demonstration",
            licence="None needed",
            currency="GBP",
        ),
        rates=list(_rates()),
        actor=finance,
    )
    rates = {rate.category: rate for rate in benchmark_set.rates.all()}
    for role in roles_at_work(finance):
        word = next((each for each in DAY_RATES if each in role.casefold()), None)
        if word is not None:
            choose_benchmark(
                choice=RoleBenchmark(role=role, rate=rates[word.capitalize()]),
                actor=finance,
            )


def _rates() -> Iterator[PublishedRate]:
    for word, median in DAY_RATES.items():
        found = percentiles([median * factor for factor in QUARTILES])
        if found is not None:
            yield PublishedRate(
                word.capitalize(),
                "",
                RateUnit.DAY.value,
                40,
                found.p25,
                median,
                found.p75,
            )
