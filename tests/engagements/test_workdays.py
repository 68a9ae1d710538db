from datetime import date

import pytest

from engagements.values.workdays import UnknownCountryError, working_days


def test_working_days_leave_out_weekends_and_public_holidays() -> None:
    first, last = date(2026, 12, 1), date(2026, 12, 31)
    # 23 weekdays, less 25 December; 26 December is a Saturday, kept on the 28th.
    assert working_days(first, last, "GB") == 21
    assert working_days(first, last, "JP") == 23


def test_working_days_names_an_unknown_country() -> None:
    with pytest.raises(UnknownCountryError, match="“ZZ”"):
        working_days(date(2026, 1, 1), date(2026, 1, 2), "ZZ")
