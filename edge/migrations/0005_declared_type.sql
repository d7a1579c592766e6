-- The media type as the client declared it, with aliases and parameters: uploads are signed for it. `content_type` is canonical.
ALTER TABLE assets ADD COLUMN declared_type TEXT;
