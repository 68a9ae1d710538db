from tracker.performance.services.credits import (
    Settled,
    agree_credit,
    apply_credit,
    claim_credit,
    settle_credits,
    waive_credit,
)
from tracker.performance.services.measurements import (
    agree_exclusion,
    drop_exclusion,
    record_downtime,
    record_downtimes,
    record_measurement,
    record_measurements,
    store_tickets,
)
from tracker.performance.services.nightly import Night, settle_windows
from tracker.performance.services.results import (
    Measured,
    count_window_again,
    excuse_window,
    measure,
)
from tracker.performance.services.reviews import (
    ask_for_reviews,
    change_review,
    record_review,
)

__all__ = [
    "Measured",
    "Night",
    "Settled",
    "agree_credit",
    "agree_exclusion",
    "apply_credit",
    "ask_for_reviews",
    "change_review",
    "claim_credit",
    "count_window_again",
    "drop_exclusion",
    "excuse_window",
    "measure",
    "record_downtime",
    "record_downtimes",
    "record_measurement",
    "record_measurements",
    "record_review",
    "settle_credits",
    "settle_windows",
    "store_tickets",
    "waive_credit",
]
