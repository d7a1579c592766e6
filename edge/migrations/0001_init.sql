-- The words in every CHECK are those of the enums in the crate `shared`; a test compares them.
-- Times are milliseconds since the epoch.

CREATE TABLE assets (
  id           TEXT PRIMARY KEY,
  tenant       TEXT NOT NULL,
  user_id      TEXT NOT NULL,
  kind         TEXT NOT NULL CHECK (kind IN ('image', 'video', 'audio', 'document', 'package')),
  state        TEXT NOT NULL CHECK (state IN ('awaiting_upload', 'processing', 'ready', 'failed')),
  visibility   TEXT NOT NULL CHECK (visibility IN ('public', 'private')),
  origin       TEXT NOT NULL CHECK (origin IN ('upload', 'generated')),
  filename     TEXT NOT NULL,
  content_type TEXT NOT NULL,
  size_bytes   INTEGER NOT NULL CHECK (size_bytes > 0),
  sha256       TEXT,
  width        INTEGER,
  height       INTEGER,
  duration_ms  INTEGER,
  placeholder  TEXT,
  owner_type   TEXT NOT NULL,
  owner_id     TEXT NOT NULL,
  metadata     TEXT NOT NULL,
  -- Reserved at creation. The job itself is created by `complete`.
  job_id       TEXT NOT NULL,
  -- JSON list of {name, key, content_type, width, height, size_bytes}; only published outputs.
  outputs      TEXT NOT NULL DEFAULT '[]',
  error_code   TEXT,
  error_detail TEXT,
  created_at   INTEGER NOT NULL,
  ready_at     INTEGER,
  CHECK ((state = 'ready') = (ready_at IS NOT NULL)),
  CHECK ((state = 'failed') = (error_code IS NOT NULL))
) STRICT;

CREATE INDEX assets_by_user ON assets (tenant, user_id, id);
CREATE INDEX assets_by_tenant ON assets (tenant, id);
CREATE INDEX assets_awaiting ON assets (created_at) WHERE state = 'awaiting_upload';

CREATE TABLE jobs (
  id           TEXT PRIMARY KEY,
  asset_id     TEXT NOT NULL,
  tenant       TEXT NOT NULL,
  user_id      TEXT NOT NULL,
  kind         TEXT NOT NULL CHECK (kind IN ('process_image')),
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

CREATE INDEX jobs_by_user ON jobs (tenant, user_id, id);
CREATE INDEX jobs_by_tenant ON jobs (tenant, id);
CREATE INDEX jobs_by_asset ON jobs (asset_id);
CREATE INDEX jobs_running ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_open ON jobs (deadline_at) WHERE state IN ('queued', 'running');

CREATE TABLE attempts (
  job_id            TEXT NOT NULL,
  attempt           INTEGER NOT NULL,
  worker            TEXT NOT NULL,
  output_prefix     TEXT NOT NULL,
  started_at        INTEGER NOT NULL,
  ended_at          INTEGER,
  error_code        TEXT,
  error_detail      TEXT,
  peak_memory_bytes INTEGER,
  PRIMARY KEY (job_id, attempt)
) STRICT;

-- Messages for the queue: one row per job that waits for a claim.
CREATE TABLE outbox_messages (
  job_id  TEXT PRIMARY KEY,
  due_at  INTEGER NOT NULL,
  sent_at INTEGER
) STRICT;

-- Events for the hubs, in order. A row is deleted when its hub has the event.
CREATE TABLE outbox_events (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  hub        TEXT NOT NULL,
  payload    TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX outbox_events_by_hub ON outbox_events (hub, id);

-- Prefixes of objects to remove: outputs of unsuccessful attempts, files of deleted assets.
CREATE TABLE tombstones (
  prefix TEXT PRIMARY KEY,
  due_at INTEGER NOT NULL
) STRICT;
