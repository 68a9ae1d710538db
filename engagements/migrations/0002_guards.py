from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from engagements.models.guards import AppendOnly

# PostgreSQL checks at commit what no single row can hold: shares sum to 100.
# SQLite has no deferred triggers; there the service alone holds it.
CHECK_SPLIT = """
CREATE OR REPLACE FUNCTION check_cost_split() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    split bigint := coalesce(NEW.split_id, OLD.split_id);
    total bigint;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM engagements_costsplit WHERE id = split) THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(sum(percent), 0) INTO total
        FROM engagements_costsplitshare WHERE split_id = split;
    IF total <> 1000000 THEN
        RAISE EXCEPTION 'cost_split_sums_to_100: split % sums to %', split, total
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER cost_split_sums_to_100
    AFTER INSERT OR UPDATE OR DELETE ON engagements_costsplitshare
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION check_cost_split();
"""
DROP_CHECK = """
DROP TRIGGER IF EXISTS cost_split_sums_to_100 ON engagements_costsplitshare;
DROP FUNCTION IF EXISTS check_cost_split();
"""


def add_check(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(CHECK_SPLIT, params=None)


def drop_check(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP_CHECK, params=None)


class Migration(migrations.Migration):
    dependencies = [("engagements", "0001_records")]

    operations = [AppendOnly("Event"), migrations.RunPython(add_check, drop_check)]
