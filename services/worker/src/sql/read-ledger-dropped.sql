-- The time in the youngest UUIDv7 that the ledger has dropped, in milliseconds, or null. Read after the ledger: a
-- reader that finds a row missing then also finds the time up to which rows were dropped.
SELECT ledger_dropped_to() AS dropped_to_ms
