-- A UUID in any case, blanks around it ignored (PostgreSQL 14 and 15: its form is matched).
CREATE OR REPLACE FUNCTION nexus_assets.read_uuid(value text) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN btrim(value, E' \t\r\n\f\x0B\x1D\u00A0\u2007\u202F\u200B\uFEFF')
                     ~ '^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$'
              THEN btrim(value, E' \t\r\n\f\x0B\x1D\u00A0\u2007\u202F\u200B\uFEFF')::uuid END
$$;
