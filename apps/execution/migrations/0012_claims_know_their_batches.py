"""A claim names batches by id and time, since a crash of PostgreSQL may give an id twice."""

from importlib import import_module

from django.db import migrations

_before = import_module("apps.execution.migrations.0011_claims_in_one")

# Batches are committed without waiting for the disk. What a crash loses of them a gateway may
# still have heard of, and the sequence goes on from before it: the same id, another batch.
CREATE = """
CREATE FUNCTION execution_claim(
    ids bigint[], made_at timestamptz[], starts int[], stops int[], of_connection bigint,
    by_holder text, at_epoch bigint, of_platform text, accounts text[], relations text[],
    looked_at text[]
) RETURNS TABLE (scope text, key text, state text, reason text)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    locked int;
    gates execution_gate[];
BEGIN
    SELECT count(*) INTO locked FROM (
        SELECT 1 FROM execution_batch b
        JOIN unnest(ids, made_at, starts, stops) AS part (id, made_at, start, stop)
            ON part.id = b.id AND part.made_at = b.created_at
        WHERE b.claimed = part.start AND b.size >= part.stop AND b.connection_id = of_connection
        ORDER BY b.id FOR UPDATE OF b
    ) AS mine;
    IF locked <> cardinality(ids) OR NOT EXISTS (
        SELECT 1 FROM execution_connectionlease l
        WHERE l.connection_id = of_connection AND l.holder = by_holder AND l.epoch = at_epoch
          AND l.expires_at > clock_timestamp()
    ) THEN
        RETURN;
    END IF;
    gates := ARRAY(
        SELECT g FROM execution_gate g
        WHERE g.scope IN ('global', 'source') OR (g.scope = 'platform' AND g.key = of_platform)
           OR (g.scope = 'connection' AND g.key = of_connection::text)
           OR (g.scope = 'account' AND g.key = ANY(accounts))
           OR (g.scope = 'relation' AND g.key = ANY(relations))
    );
    RETURN QUERY
        SELECT g.scope::text, g.key::text, g.state::text, g.reason::text FROM unnest(gates) AS g
        UNION ALL
        SELECT 'withdrawn', w.client_order_id::text, '', '' FROM execution_withdrawal w
        WHERE w.batch_id = ANY(ids);
    IF EXISTS (
        SELECT 1 FROM unnest(gates) AS g
        WHERE g.state = 'halted' AND NOT g.scope || ':' || g.key = ANY(looked_at)
    ) THEN
        RETURN QUERY SELECT 'halted', '', '', '';
        RETURN;
    END IF;
    UPDATE execution_batch b
    SET claimed = part.stop, claim_epoch = at_epoch, claimed_at = clock_timestamp()
    FROM unnest(ids, starts, stops) AS part (id, start, stop) WHERE b.id = part.id;
    RETURN QUERY SELECT 'claimed', '', '', '';
END $$;
"""
DROP = """
DROP FUNCTION execution_claim(
    bigint[], timestamptz[], int[], int[], bigint, text, bigint, text, text[], text[], text[]
);
"""


class Migration(migrations.Migration):
    dependencies = [("execution", "0011_claims_in_one")]
    operations = [migrations.RunSQL(_before.DROP + CREATE, DROP + _before.CREATE)]
