-- Native workers that vanished while they held the job, since it was created or redriven. At the edge a vanished worker counts as a
-- failure.
ALTER TABLE jobs ADD COLUMN losses INTEGER NOT NULL DEFAULT 0;
