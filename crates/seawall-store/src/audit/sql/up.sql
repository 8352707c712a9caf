CREATE TABLE audit_log (
    id TEXT PRIMARY KEY NOT NULL,
    seq BIGINT UNIQUE CHECK (seq > 0),
    at BIGINT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT,
    address TEXT,
    request_id TEXT,
    action TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    outcome TEXT NOT NULL,
    before TEXT,
    after TEXT,
    hash BLOB
);
CREATE INDEX audit_log_unsealed ON audit_log (id) WHERE seq IS NULL;
CREATE INDEX audit_log_at ON audit_log (at, id);
CREATE INDEX audit_log_object ON audit_log (object_kind, object_id, at);
CREATE INDEX audit_log_actor ON audit_log (actor_kind, actor_id, at);

CREATE TABLE audit_personal (
    entry_id TEXT NOT NULL REFERENCES audit_log (id),
    field TEXT NOT NULL,
    subject TEXT,
    salt BLOB NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (entry_id, field)
);
CREATE INDEX audit_personal_subject ON audit_personal (subject);

CREATE TABLE audit_checkpoints (
    seq BIGINT PRIMARY KEY NOT NULL,
    hash BLOB NOT NULL,
    at BIGINT NOT NULL,
    key_id TEXT NOT NULL,
    signature BLOB NOT NULL
);

-- sqlite:
CREATE TRIGGER audit_log_sealed BEFORE UPDATE ON audit_log
WHEN OLD.seq IS NOT NULL OR NEW.id IS NOT OLD.id OR NEW.at IS NOT OLD.at OR NEW.actor_kind IS NOT OLD.actor_kind
    OR NEW.actor_id IS NOT OLD.actor_id OR NEW.address IS NOT OLD.address OR NEW.request_id IS NOT OLD.request_id
    OR NEW.action IS NOT OLD.action OR NEW.object_kind IS NOT OLD.object_kind OR NEW.object_id IS NOT OLD.object_id
    OR NEW.outcome IS NOT OLD.outcome OR NEW.before IS NOT OLD.before OR NEW.after IS NOT OLD.after
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only appended to');
END;
CREATE TRIGGER audit_log_kept BEFORE DELETE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only appended to');
END;
-- postgres:
ALTER TABLE audit_log ADD COLUMN written_by xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE FUNCTION audit_log_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only appended to' USING ERRCODE = 'integrity_constraint_violation';
END;
$$;
CREATE TRIGGER audit_log_sealed BEFORE UPDATE ON audit_log FOR EACH ROW
WHEN (OLD.seq IS NOT NULL OR (NEW.id, NEW.at, NEW.actor_kind, NEW.actor_id, NEW.address, NEW.request_id, NEW.action,
    NEW.object_kind, NEW.object_id, NEW.outcome, NEW.before, NEW.after)
    IS DISTINCT FROM (OLD.id, OLD.at, OLD.actor_kind, OLD.actor_id, OLD.address, OLD.request_id, OLD.action,
    OLD.object_kind, OLD.object_id, OLD.outcome, OLD.before, OLD.after))
EXECUTE FUNCTION audit_log_refuse();
CREATE TRIGGER audit_log_kept BEFORE DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_log_refuse();
CREATE TRIGGER audit_log_whole BEFORE TRUNCATE ON audit_log EXECUTE FUNCTION audit_log_refuse();
-- both:
