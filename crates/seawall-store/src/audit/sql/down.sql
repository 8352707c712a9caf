DROP TABLE audit_checkpoints;
DROP TABLE audit_personal;
DROP TABLE audit_log;
-- postgres:
DROP FUNCTION audit_log_refuse();
-- both:
