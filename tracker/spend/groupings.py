"""Spend of months by each dimension at once: one statement on either database."""

from django.db import connection

from tracker.spend.models import Dimension

# What `grouped` reads and what it yields, in this order.
SOURCE_COLUMNS = (
    "booked_month",
    "vendor_id",
    "cost_centre_id",
    "kind",
    "basis",
    "reporting_amount",
)
COLUMNS = "dimension, booked_month, member_id, kind, basis, reporting_amount"

_GROUPING_SETS = f"""
SELECT CASE WHEN GROUPING(vendor_id) = 0 THEN '{Dimension.VENDOR.value}'
            WHEN GROUPING(cost_centre_id) = 0 THEN '{Dimension.COST_CENTRE.value}'
            ELSE '{Dimension.ALL.value}' END AS dimension,
       booked_month,
       COALESCE(vendor_id, cost_centre_id, 0) AS member_id,
       kind,
       basis,
       SUM(reporting_amount)::bigint AS reporting_amount
  FROM {{source}}
 GROUP BY GROUPING SETS ((booked_month, kind, basis),
                         (booked_month, vendor_id, kind, basis),
                         (booked_month, cost_centre_id, kind, basis))
"""  # noqa: S608 - names of ours alone

_ONE_DIMENSION = """
SELECT '{dimension}' AS dimension, booked_month, {member} AS member_id, kind, basis,
       SUM(reporting_amount) AS reporting_amount
  FROM {source}
 GROUP BY booked_month, {group}kind, basis
"""

_MEMBERS = {
    Dimension.ALL: ("0", ""),
    Dimension.VENDOR: ("vendor_id", "vendor_id, "),
    Dimension.COST_CENTRE: ("cost_centre_id", "cost_centre_id, "),
}


def grouped(source: str) -> str:
    """Return SQL that sums `source`, a table or a name given by WITH, by month.

    PostgreSQL reads the source once; SQLite, without grouping sets, once a dimension.
    """
    if connection.vendor == "postgresql":
        return _GROUPING_SETS.format(source=source)
    return "UNION ALL".join(
        _ONE_DIMENSION.format(
            dimension=dimension.value, member=member, group=group, source=source
        )
        for dimension, (member, group) in _MEMBERS.items()
    )
