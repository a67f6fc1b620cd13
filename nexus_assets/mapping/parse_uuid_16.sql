-- A UUID in any case, blanks around it ignored (PostgreSQL 16 and newer: the input function itself is asked, which is
-- faster; it takes hyphens in more places than FileMaker puts them). Stable, as pg_input_is_valid() is: only then is the
-- body put in place of the call.
CREATE OR REPLACE FUNCTION nexus_assets.read_uuid(value text) RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN value LIKE '________-____-____-____-____________' AND pg_input_is_valid(value, 'uuid') THEN value::uuid
              -- Only what did not fit as it is has its blanks looked for: that takes four times as long.
              WHEN btrim(value, E' \t\r\n\f\x0B\x1D\u00A0\u2007\u202F\u200B\uFEFF') LIKE '________-____-____-____-____________'
               AND pg_input_is_valid(btrim(value, E' \t\r\n\f\x0B\x1D\u00A0\u2007\u202F\u200B\uFEFF'), 'uuid')
              THEN btrim(value, E' \t\r\n\f\x0B\x1D\u00A0\u2007\u202F\u200B\uFEFF')::uuid END
$$;
