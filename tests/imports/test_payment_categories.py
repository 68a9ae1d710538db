import pytest

from tracker.imports.payment_categories import choose_model


@pytest.mark.parametrize(
    ("category", "model", "is_certain"),
    [
        ("Temporary Bureau Staffing", "augmented", True),
        ("Agency staff", "augmented", True),
        ("Interim managers", "augmented", True),
        ("Contracted Audit Staff for Operations (Rec)", "augmented", True),
        ("IT contractors", "augmented", True),
        ("Direct Services Sub Contractors", "managed", True),
        ("General Contracted Services", "managed", True),
        ("Consultants Fees", "managed", True),
        ("Software Maintenance/Running Costs", "managed", True),
        ("Outsourced payroll", "managed", True),
        ("Staff training", "managed", False),
        ("Software Purchase", "managed", False),
        ("Uncategorised", "managed", False),
    ],
)
def test_model_follows_the_words_of_the_category(category, model, is_certain):
    assert choose_model(category, "") == (model, is_certain)


def test_choice_of_the_person_comes_first_by_category_or_code():
    chosen = {"consultants fees": "augmented", "d3401": "augmented"}

    assert choose_model("Consultants  Fees", "", chosen).model == "augmented"
    assert choose_model("General Contracted Services", "D3401", chosen).model == (
        "augmented"
    )
    assert choose_model("Cleaning", "", chosen).model == "managed"
