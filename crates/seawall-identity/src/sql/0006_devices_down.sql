DROP TABLE app_session_tokens;
DROP TABLE app_session_members;
DROP TABLE app_sessions;
DROP TABLE device_codes;
DROP TABLE devices;
