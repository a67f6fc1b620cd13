-- The reading of FileMaker's text, one function per kind of value; NULL for blank text and for text that can't be read.
-- Installed into schema nexus_assets by load/ledger.py. Every function is immutable and safe in parallel plans, because
-- the rows of an export are parsed by parallel workers. No function raises: a value that can't be read is a reject.

-- Text without the blanks around it. FileMaker's VT (a return inside a field) and GS (between repetitions) become line
-- breaks; no-break spaces count as blanks.
CREATE OR REPLACE FUNCTION nexus_assets.read_text(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT nullif(btrim(
    translate(replace(value, E'\r\n', E'\n'), E'\r\x0B\x1D', E'\n\n\n'), E' \t\n\f\u00A0'), '')
$$;

-- The form in which names and ids are compared: without case and without blanks around or doubled inside.
CREATE OR REPLACE FUNCTION nexus_assets.comparable(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT nullif(lower(btrim(regexp_replace(value, E'[\\s\u00A0]+', ' ', 'g'))), '')
$$;

-- A calendar date that exists, else NULL.
CREATE OR REPLACE FUNCTION nexus_assets.real_date(year integer, month integer, day integer) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN year BETWEEN 1 AND 9999 AND month BETWEEN 1 AND 12 AND day BETWEEN 1 AND
    CASE WHEN month IN (4, 6, 9, 11) THEN 30
         WHEN month <> 2 THEN 31
         WHEN year % 4 = 0 AND (year % 100 <> 0 OR year % 400 = 0) THEN 29
         ELSE 28 END
  THEN make_date(year, month, day) END
$$;

-- A date: `2016-10-18` (with or without a time behind it), `18 Oct 2016`, or numbers apart by / . - in the order that the
-- file was found to have ('mdy' or 'dmy'). Years of two digits lie between 70 years back and 29 ahead of `today`,
-- FileMaker's own window. Numbers of five digits are Excel's serial days since `epoch`.
CREATE OR REPLACE FUNCTION nexus_assets.read_date(value text, date_order text, today date, epoch date) RETURNS date
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  words text[];
  year integer;
  months CONSTANT text[] := ARRAY['jan','feb','mar','apr','may','jun','jul','aug','sep','oct','nov','dec'];
BEGIN
  value := nexus_assets.read_text(value);
  IF value IS NULL THEN RETURN NULL; END IF;
  IF value ~ '^\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}([ T]\d{1,2}:\d{2}.*)?$' THEN
    words := regexp_split_to_array(split_part(split_part(value, ' ', 1), 'T', 1), '[/.-]');
    IF length(words[1]) = 4 THEN
      RETURN nexus_assets.real_date(words[1]::int, words[2]::int, words[3]::int);
    ELSIF length(words[1]) > 2 OR length(words[3]) NOT IN (2, 4) THEN
      RETURN NULL;
    END IF;
    year := words[3]::int;
    IF length(words[3]) = 2 THEN
      year := year + (extract(year FROM today)::int / 100) * 100;
      IF year > extract(year FROM today)::int + 29 THEN year := year - 100;
      ELSIF year < extract(year FROM today)::int - 70 THEN year := year + 100; END IF;
    END IF;
    IF date_order = 'dmy' THEN
      RETURN nexus_assets.real_date(year, words[2]::int, words[1]::int);
    END IF;
    RETURN nexus_assets.real_date(year, words[1]::int, words[2]::int);
  ELSIF value ~ '^\d{5}(\.\d+)?$' THEN
    RETURN epoch + split_part(value, '.', 1)::int;
  ELSIF value ~* '^\d{1,2}[ -][a-z]{3,9}[ -]\d{4}$' THEN
    words := regexp_split_to_array(lower(value), '[ -]');
    RETURN nexus_assets.real_date(words[3]::int, array_position(months, left(words[2], 3)), words[1]::int);
  END IF;
  RETURN NULL;
END
$$;

-- A time of day as the interval since midnight, up to and including 24 hours: `9:05`, `09:05:30`, `9:05 PM`,
-- `24:00:00` and `1 day, 0:00:00` (the end of the day), or the time behind a date.
CREATE OR REPLACE FUNCTION nexus_assets.read_time(value text) RETURNS interval
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  words text[];
  hours integer;
  seconds numeric;
BEGIN
  value := nexus_assets.read_text(value);
  IF value IS NULL THEN RETURN NULL; END IF;
  IF value ~ '^\d{4}-\d{2}-\d{2}[ T]' THEN value := substr(value, 12); END IF;
  words := regexp_match(value, '^(1 day, )?(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))? ?([AaPp])?\.?([Mm]\.?)?$');
  IF words IS NULL OR (words[5] IS NULL) <> (words[6] IS NULL) THEN RETURN NULL; END IF;
  hours := words[2]::int;
  IF words[1] IS NOT NULL THEN
    hours := hours + 24;
  ELSIF words[5] IS NOT NULL THEN
    IF hours NOT BETWEEN 1 AND 12 THEN RETURN NULL; END IF;
    hours := hours % 12 + CASE WHEN lower(words[5]) = 'p' THEN 12 ELSE 0 END;
  END IF;
  seconds := coalesce(words[4], '0')::numeric;
  IF words[3]::int > 59 OR seconds >= 60 OR hours * 3600 + words[3]::int * 60 + seconds > 86400 THEN RETURN NULL; END IF;
  RETURN make_interval(hours => hours, mins => words[3]::int, secs => seconds::double precision);
END
$$;

-- Local wall-clock time as an instant. A time that the change to summer time skips is read one hour later; of a time
-- that comes twice, the second (standard time) is taken: PostgreSQL's own rule.
CREATE OR REPLACE FUNCTION nexus_assets.local_instant(day date, since_midnight interval, zone text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (day + coalesce(since_midnight, interval '0')) AT TIME ZONE zone
$$;

-- A whole number in the range of integer, else NULL.
CREATE OR REPLACE FUNCTION nexus_assets.read_integer(value text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN btrim(value) ~ '^-?\d{1,9}$' THEN btrim(value)::integer END
$$;

-- The id of a new row: RFC 9562's name-based UUIDv8 over SHA-256 (PostgreSQL has no SHA-1 of its own for version 5).
-- The same entity and FileMaker id give the same id for ever, in every database.
CREATE OR REPLACE FUNCTION nexus_assets.minted_id(entity text, source_id text) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT encode(set_byte(set_byte(digest, 6, (get_byte(digest, 6) & 15) | 128), 8, (get_byte(digest, 8) & 63) | 128), 'hex')::uuid
  FROM (SELECT substr(sha256(convert_to('nexus_assets:' || entity || ':' || source_id, 'UTF8')), 1, 16)) AS hashed(digest)
$$;
