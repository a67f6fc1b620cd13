-- A UUID in any case, blanks around it ignored (PostgreSQL 16 and newer: the input function itself is asked).
CREATE OR REPLACE FUNCTION nexus_assets.read_uuid(value text) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN length(btrim(value, E' \t\r\n\u00A0')) = 36 AND pg_input_is_valid(btrim(value, E' \t\r\n\u00A0'), 'uuid')
              THEN btrim(value, E' \t\r\n\u00A0')::uuid END
$$;
