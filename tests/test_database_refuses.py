"""Every constraint, trigger, link and column refuses a raw write: the list is the
models' own, and compared with what the database has."""

from collections import defaultdict
from functools import cache
from importlib import import_module

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Q

from tests.hostile_rows import (
    acceptable_row,
    all_models,
    checks,
    columns,
    count_columns,
    emptied,
    forbidden_row,
    given_columns,
    insert,
    links,
    refusal,
    twin,
    undone,
    unique_names,
    uniques,
    unlike_any_other,
)
from tests.unguarded import drop_triggers

# Rows of every table are written raw, roll-ups without their ledger among them.
pytestmark = [pytest.mark.django_db, pytest.mark.roll_ups_differ]

CHECKS = [(model, constraint) for model in all_models() for constraint in checks(model)]
UNIQUES = [(model, each) for model in all_models() for each in uniques(model)]
UNIQUE_COLUMNS = [
    (model, field)
    for model in all_models()
    for field in columns(model)
    if field.unique and not field.primary_key
]
# Whatever breaks one of these breaks another too: that it is there has to do.
COVERED_BY_OTHERS = {"approval_outcome_known", "exception_state_known"}
COUNTS = [(model, each) for model in all_models() for each in count_columns(model)]
LINKS = [(model, each) for model in all_models() for each in links(model)]
GIVEN = [(model, each) for model in all_models() for each in given_columns(model)]
TOGETHER = [
    pytest.param(model, names, id=model.__name__)
    for model in all_models()
    for names in model._meta.unique_together
]


def in_words(model, names):
    """Return a unique constraint as SQLite calls it: by its columns."""
    table, found = model._meta.db_table, [model._meta.get_field(n) for n in names]
    return ", ".join(f"{table}.{field.column}" for field in found)


def named(pairs):
    return [
        pytest.param(model, each, id=f"{model.__name__}-{each.name}")
        for model, each in pairs
    ]


@pytest.fixture(scope="module")
def empty_database(django_db_setup, django_db_blocker):
    """One transaction for all: a case takes back what it wrote, the last one all."""
    with django_db_blocker.unblock(), undone():
        emptied()
        yield


@pytest.fixture(autouse=True)
def nothing_stored(empty_database, db):
    with undone():
        yield


@pytest.mark.parametrize("model", all_models(), ids=lambda model: model.__name__)
def test_each_table_takes_a_row_that_breaks_nothing(model):
    assert refusal(model, acceptable_row(model)) == ""


@pytest.mark.parametrize(("model", "constraint"), named(CHECKS))
def test_check_refuses_by_its_name(model, constraint):
    row = forbidden_row(model, constraint)
    lift_triggers(model._meta.db_table)

    if row is None:
        assert constraint.name in COVERED_BY_OTHERS
        assert constraint.name in names_in_database(model)
    else:
        assert refusal(model, row) == constraint.name


def lift_triggers(table):
    """Leave the refusing to the constraint: what the test does is undone."""
    if table in triggers().values():
        drop_triggers(table)


def names_in_database(model):
    with connection.cursor() as cursor:
        table = model._meta.db_table
        return connection.introspection.get_constraints(cursor, table).keys()


@pytest.mark.parametrize(("model", "constraint"), named(UNIQUES))
def test_unique_constraint_refuses_the_same_twice(model, constraint):
    names = unique_names(constraint)
    given = Q(*[Q((f"{name}__isnull", False)) for name in sorted(names)])
    row = acceptable_row(model, (constraint.condition or Q()) & given)
    insert(model, row)

    again = twin(model, row, keeping=names | conditional_names(constraint))

    assert refusal(model, again) in {
        constraint.name,
        in_words(model, constraint.fields),
        f"index '{constraint.name}'",
    }


def conditional_names(constraint):
    return (constraint.condition or Q()).referenced_base_fields


@pytest.mark.parametrize(("model", "field"), named(UNIQUE_COLUMNS))
def test_unique_column_refuses_the_same_twice(model, field):
    row = acceptable_row(model, Q((f"{field.name}__isnull", False)))
    insert(model, row)

    refused = refusal(model, twin(model, row, keeping=[field.name]))

    # PostgreSQL gives these a name of its own making, from table and column.
    assert refused.startswith(model._meta.db_table[:20])
    assert field.column in refused


@pytest.mark.parametrize(("model", "field"), named(COUNTS))
def test_count_refuses_less_than_none(model, field):
    row = acceptable_row(model)

    assert refusal(model, row | {field.name: -1}) != ""


@pytest.mark.parametrize(("model", "names"), TOGETHER)
def test_unique_link_refuses_the_same_twice(model, names):
    row = acceptable_row(model)
    insert(model, row)

    refused = refusal(model, twin(model, row, keeping=names))

    # PostgreSQL's name for it is Django's, with a hash at its end.
    of_its_own = model._meta.db_table[:20]
    assert refused == in_words(model, names) or (
        refused.startswith(of_its_own) and refused.endswith("_uniq")
    )


@pytest.mark.parametrize(("model", "field"), named(GIVEN))
def test_column_refuses_nothing(model, field):
    lift_triggers(model._meta.db_table)

    refused = refusal(model, acceptable_row(model) | {field.name: None})

    table = model._meta.db_table
    assert refused in {
        f"{table}.{field.column}",
        f'null value in column "{field.column}" of relation "{table}" violates'
        " not-null constraint",
    }


@pytest.mark.parametrize(("model", "field"), named(LINKS))
def test_link_refuses_a_row_that_is_not_there(model, field):
    lift_triggers(model._meta.db_table)
    row = acceptable_row(model, Q((f"{field.name}__isnull", False)))
    insert(model, row | {field.name: unlike_any_other(field)})

    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        look_for_the_row_of(model._meta.db_table, field.column)

    assert broken_links(refused.value, model._meta.db_table) >= {field.column}


def look_for_the_row_of(table, column):
    """Have the database look now at what it looks at when a transaction ends.

    PostgreSQL looks at this one link, SQLite at all of the table.
    """
    if connection.vendor == "postgresql":
        name = connection.ops.quote_name(names_of_links()[table][column])
        with connection.cursor() as cursor:
            cursor.execute(f"SET CONSTRAINTS {name} IMMEDIATE")
    else:
        connection.check_constraints(table_names=[table])


def broken_links(error, table):
    """Return by which columns rows that are missing are named."""
    if connection.vendor == "postgresql":
        by_name = {name: column for column, name in names_of_links()[table].items()}
        return {by_name[error.__cause__.diag.constraint_name]}
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA foreign_key_check({table})")
        numbers = {row[3] for row in cursor.fetchall()}
    return {column for column, key in names_of_links()[table].items() if key in numbers}


@cache
def names_of_links():
    """Return, by table and column, what the database calls its foreign keys."""
    found = defaultdict(dict)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT k.conrelid::regclass::text, a.attname, k.conname"
                " FROM pg_constraint k JOIN pg_attribute a"
                " ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)"
                " WHERE k.contype = 'f'"
            )
        else:
            cursor.execute(
                'SELECT m.name, k."from", k.id FROM sqlite_master m'
                " JOIN pragma_foreign_key_list(m.name) k WHERE m.type = 'table'"
            )
        for table, column, name in cursor.fetchall():
            found[table][column] = name
    return found


def test_the_database_has_the_links_and_columns_that_were_tried():
    """Nothing is held by the models alone, and nothing there is left untried."""
    links_tried, columns_tried = defaultdict(set), defaultdict(set)
    for model, field in LINKS:
        links_tried[model._meta.db_table].add(field.column)
    for model, field in GIVEN:
        columns_tried[model._meta.db_table].add(field.column)

    for model in all_models():
        table = model._meta.db_table
        assert names_of_links().get(table, {}).keys() == links_tried[table]
        assert given_in_database(table) - {auto_column(model)} == columns_tried[table]


def given_in_database(table):
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass"
                " AND attnum > 0 AND attnotnull AND NOT attisdropped",
                [table],
            )
        else:
            cursor.execute(
                'SELECT name FROM pragma_table_info(%s) WHERE "notnull" OR pk', [table]
            )
        return {name for (name,) in cursor.fetchall()}


def auto_column(model):
    return getattr(model._meta.auto_field, "column", None)


# By the ending of its name, what a trigger of the guards refuses.
GUARDS = {
    "_append_only": ["UPDATE", "DELETE"],
    "_no_truncate": ["TRUNCATE"],
    "_no_update": ["UPDATE"],
    "_no_delete": ["DELETE"],
    "_kept": ["DELETE"],
}
# What asks for more than one row, and the test that writes it.
TRIED_ELSEWHERE = {
    "cost_split_sums_to_100": "tests.engagements.test_services"
    "::test_postgresql_refuses_a_split_that_does_not_sum_to_100",
    "tracker_ledgerentry_open_months": "tests.spend.test_month_close"
    "::test_the_database_refuses_raw_sql_into_a_closed_month",
    "tracker_closedmonth_closed_once": "tests.spend.test_month_close"
    "::test_a_month_is_reopened_once",
    "engagements_accessgrant_closed_once": "tests.engagements.test_access"
    "::test_the_database_keeps_grants_and_their_removal",
    **dict.fromkeys(
        ("tracker_timesheet_no_overlap", "tracker_timesheet_no_overlap_new"),
        "tests.spend.test_timesheets::test_the_database_refuses_overlapping_sheets",
    ),
    **dict.fromkeys(
        ("tracker_timesheet_kept", "tracker_timesheet_fixed"),
        "tests.spend.test_timesheets::test_the_database_keeps_an_invoiced_sheet",
    ),
    "tracker_timesheet_decided": "tests.spend.test_timesheets"
    "::test_the_database_refuses_a_decision_by_who_entered_hours",
    "tracker_worklog_not_added": "tests.spend.test_timesheets"
    "::test_the_database_takes_no_new_line_for_a_closed_sheet",
    **dict.fromkeys(
        ("tracker_worklog_fixed", "tracker_worklog_kept"),
        "tests.spend.test_timesheets"
        "::test_the_database_keeps_the_lines_of_a_closed_sheet",
    ),
    **dict.fromkeys(
        ("tracker_worklog_logged_fixed", "tracker_worklog_logged_kept"),
        "tests.spend.test_withdrawal::test_the_database_keeps_what_was_logged",
    ),
    "tracker_cappedposting_daily_cap": "tests.spend.test_daily_cap"
    "::test_the_database_holds_the_cap_too",
    "tracker_payment_fixed": "tests.spend.test_ledger"
    "::test_a_payment_stays_as_it_was_but_for_a_persons_words",
    "tracker_matchexception_closed_once": "tests.spend.test_match"
    "::test_database_keeps_what_was_resolved",
    "tracker_invoice_begins": "tests.spend.test_invoices"
    "::test_the_database_has_every_invoice_begin_as_a_draft",
    "tracker_invoice_sums": "tests.spend.test_invoices"
    "::test_the_database_posts_nothing_whose_lines_miss_the_total",
    "tracker_invoice_fixed": "tests.spend.test_invoices"
    "::test_the_database_keeps_the_header_of_what_is_posted",
    "tracker_invoice_kept": "tests.spend.test_invoices"
    "::test_the_database_keeps_what_is_posted_from_deletion",
    **dict.fromkeys(
        (
            "tracker_invoiceline_added",
            "tracker_invoiceline_fixed",
            "tracker_invoiceline_kept",
        ),
        "tests.spend.test_invoices"
        "::test_the_database_keeps_the_lines_of_what_is_posted",
    ),
    **dict.fromkeys(
        ("tracker_invoiceline_credited", "tracker_invoiceline_not_credited"),
        "tests.spend.test_invoices"
        "::test_the_database_believes_no_credit_without_a_note",
    ),
}


def triggers():
    """Return each trigger of the database with its table."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c"
                " ON c.oid = t.tgrelid WHERE NOT t.tgisinternal ORDER BY 1"
            )
        else:
            cursor.execute(
                "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
                " ORDER BY 1"
            )
        return dict(cursor.fetchall())


def test_each_trigger_refuses_what_it_guards():
    for name, table in triggers().items():
        if name in TRIED_ELSEWHERE:
            assert function_named(TRIED_ELSEWHERE[name]) is not None
            continue
        (verbs,) = (verbs for end, verbs in GUARDS.items() if name == table + end)
        for verb in verbs:
            with pytest.raises(DatabaseError, match="append-only"), undone():
                write(verb, table)


def write(verb, table):
    """Change the one row of the table, whatever it holds, by raw SQL."""
    (model,) = (m for m in all_models() if m._meta.db_table == table)
    if verb != "TRUNCATE":  # which PostgreSQL refuses beside rows just written
        insert(model, acceptable_row(model))
    key = model._meta.pk.column
    with connection.cursor() as cursor:
        cursor.execute(
            {
                "UPDATE": f"UPDATE {table} SET {key} = {key}",
                "DELETE": f"DELETE FROM {table}",
                "TRUNCATE": f"TRUNCATE {table} CASCADE",
            }[verb]
        )


def function_named(path):
    module, _, name = path.partition("::")
    return getattr(import_module(module), name, None)
