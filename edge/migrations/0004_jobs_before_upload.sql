-- A job can be read by its id before it is created: from the asset whose upload it waits for.
CREATE INDEX assets_by_job ON assets (job_id);
