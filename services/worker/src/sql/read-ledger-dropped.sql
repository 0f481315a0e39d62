-- The time in the youngest UUIDv7 that the ledger has forgotten, in milliseconds, or null. Read after the ledger: who finds
-- a row gone finds how far the rows went.
SELECT ledger_dropped_to() AS dropped_to_ms
