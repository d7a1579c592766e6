-- Jobs for native workers: video, audio, and images for which the edge has no decoder or not enough memory.

-- SQLite cannot change a CHECK, so the rows of `jobs` move to a new table. Its indexes are dropped with the old one.
ALTER TABLE jobs RENAME TO jobs_before_native;

CREATE TABLE jobs (
  id           TEXT PRIMARY KEY,
  asset_id     TEXT NOT NULL,
  tenant       TEXT NOT NULL,
  user_id      TEXT NOT NULL,
  kind         TEXT NOT NULL CHECK (kind IN ('process_image', 'process_video', 'process_audio')),
  -- Who may claim it: the queue's consumer at the edge, or native workers.
  runs_on      TEXT NOT NULL CHECK (runs_on IN ('edge', 'native')),
  state        TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  attempt      INTEGER NOT NULL DEFAULT 0,
  failures     INTEGER NOT NULL DEFAULT 0,
  run_at       INTEGER,
  lease_hash   TEXT,
  lease_until  INTEGER,
  deadline_at  INTEGER NOT NULL,
  error_code   TEXT,
  error_detail TEXT,
  created_at   INTEGER NOT NULL,
  ended_at     INTEGER,
  -- New with every write: the guard that makes a read, a decision and a batch atomic.
  write_id     TEXT NOT NULL,
  CHECK ((state IN ('succeeded', 'failed', 'cancelled')) = (ended_at IS NOT NULL)),
  CHECK ((state = 'queued') = (run_at IS NOT NULL)),
  CHECK ((state = 'running') = (lease_hash IS NOT NULL AND lease_until IS NOT NULL))
) STRICT;

INSERT INTO jobs (id, asset_id, tenant, user_id, kind, runs_on, state, attempt, failures, run_at, lease_hash, lease_until,
                  deadline_at, error_code, error_detail, created_at, ended_at, write_id)
SELECT id, asset_id, tenant, user_id, kind, 'edge', state, attempt, failures, run_at, lease_hash, lease_until,
       deadline_at, error_code, error_detail, created_at, ended_at, write_id
FROM jobs_before_native;

DROP TABLE jobs_before_native;

CREATE INDEX jobs_by_user ON jobs (tenant, user_id, id);
CREATE INDEX jobs_by_tenant ON jobs (tenant, id);
CREATE INDEX jobs_by_asset ON jobs (asset_id);
CREATE INDEX jobs_running ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_open ON jobs (deadline_at) WHERE state IN ('queued', 'running');

-- Half of the fence, kept with the attempt: a worker whose job was cancelled can still prove that it held it, and learns so.
ALTER TABLE attempts ADD COLUMN lease_hash TEXT;
-- What is playable before the attempt ends: JSON {outputs, width, height, duration_ms, placeholder}.
ALTER TABLE attempts ADD COLUMN early TEXT;
-- What its worker found out: JSON.
ALTER TABLE attempts ADD COLUMN report TEXT;

CREATE INDEX attempts_running ON attempts (worker) WHERE ended_at IS NULL;

-- When a message that led to no claim is sent again. The time depends on where the message is.
ALTER TABLE outbox_messages ADD COLUMN resend_at INTEGER;

-- Native workers, by the `sub` of their tokens.
CREATE TABLE workers (
  id             TEXT PRIMARY KEY,
  version        TEXT NOT NULL,
  ffmpeg_version TEXT NOT NULL,
  cores          INTEGER NOT NULL,
  slots          INTEGER NOT NULL,
  -- JSON list of {name, is_hardware}.
  encoders       TEXT NOT NULL,
  -- As the worker reports it.
  state          TEXT NOT NULL CHECK (state IN ('active', 'draining')),
  -- Whether an admin drains it.
  drain          INTEGER NOT NULL DEFAULT 0,
  registered_at  INTEGER NOT NULL,
  seen_at        INTEGER NOT NULL
) STRICT;
