-- The state of a native worker is derived: from its last report, its signs of life and what an admin wants.

-- Whether it has reported that it has shut down.
ALTER TABLE workers ADD COLUMN stopped INTEGER NOT NULL DEFAULT 0;
-- When it last pulled; NULL if it has not pulled since it started.
ALTER TABLE workers ADD COLUMN pulled_at INTEGER;

UPDATE workers SET pulled_at = seen_at;
