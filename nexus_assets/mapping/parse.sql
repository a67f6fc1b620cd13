-- The reading of FileMaker's text, one function per kind of value; NULL for blank text and for text that can't be read.
-- Installed into schema nexus_assets by load/ledger.py. Every function is immutable (or at least stable) and safe in parallel plans, because
-- the rows of an export are parsed by parallel workers. No function raises: a value that can't be read is a reject.
-- Digits are written [0-9]: under an ICU collation \d takes those of every script, which no cast to a number does.

-- Text without the blanks around it. FileMaker's VT (a return inside a field) and GS (between repetitions) become line
-- breaks. Every blank of Unicode counts as one (macOS writes a narrow one before AM), and so does every mark that nobody sees:
-- zero-width and soft hyphens, direction marks, joiners, variation selectors, byte order marks.
CREATE OR REPLACE FUNCTION nexus_assets.read_text(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT nullif(btrim(
    -- Four calls of replace() take a quarter of the time of one translate(), which looks at every character.
    replace(replace(replace(replace(value, E'\r\n', E'\n'), E'\r', E'\n'), E'\x0B', E'\n'), E'\x1D', E'\n'),
    E' \t\n\f\u00A0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200A\u2028\u2029\u202F\u205F\u3000\u00AD\u061C\u180E\u200B\u200C\u200D\u200E\u200F\u202A\u202B\u202C\u202D\u202E\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\uFE00\uFE01\uFE02\uFE03\uFE04\uFE05\uFE06\uFE07\uFE08\uFE09\uFE0A\uFE0B\uFE0C\uFE0D\uFE0E\uFE0F\uFEFF'), '')
$$;

-- The form in which names and ids are compared, as a person reads them: without case, marks that nobody sees, and blanks
-- around or doubled inside; accents composed; apostrophes, quotation marks and hyphens of every shape the same.
CREATE OR REPLACE FUNCTION nexus_assets.comparable(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  -- ASCII's printable characters with single spaces between them, as nearly every text is, need their case alone.
  SELECT CASE WHEN value ~ '^[!-~]+( [!-~]+)*$' THEN lower(value COLLATE "C") ELSE
  nullif(lower(btrim(regexp_replace(
      CASE WHEN octet_length(value) = length(value) THEN value
      ELSE translate(regexp_replace(normalize(value, NFC), E'[\u00AD\u061C\u180E\u200B-\u200F\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFE00-\uFE0F\uFEFF]+', '', 'g'),
                     E'\u2018\u2019\u201B\u02BC\u00B4\u2032\uFF07\u201C\u201D\u201F\u2033\u2010\u2011\u2012\u2013\u2014\u2212',
                     E'\u0027\u0027\u0027\u0027\u0027\u0027\u0027\u0022\u0022\u0022\u0022------') END,
      -- A single space, as nearly every one is, is left alone.
      E'[\\s\x1D\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]{2,}|(?! )[\\s\x1D\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]', ' ', 'g'))), '') END
$$;

-- A number without a sign as FileMaker has it, where another program has made a number of it: `101.0`, `1,001` and `1,001.00` lose
-- what was added, `4.91570156E8` is written out. Excel's `4.92E+08` has lost digits, unless each is there; it and every other text
-- stay as they are.
CREATE OR REPLACE FUNCTION nexus_assets.plain_number(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  -- Digits alone, as nearly every number is, and a UUID, which has hyphens, are told in a sixth of the time that the rest takes.
  SELECT CASE WHEN value ~ '^[0-9]+$' OR value LIKE '%-%' THEN value
              WHEN nexus_assets.comparable(value) ~ '^([0-9]+|[0-9]{1,3}(,[0-9]{3})+)([.]0*|,0{1,2})?$'
              THEN replace(regexp_replace(nexus_assets.comparable(value), '([.]0*|,0{1,2})$', ''), ',', '')
              WHEN nexus_assets.comparable(value) ~ '^[1-9][.][0-9]{1,15}e[+]?[0-9]{1,2}$'
               AND scale(nexus_assets.comparable(value)::numeric) = 0
               AND (value !~ '[+]' OR length(split_part(nexus_assets.comparable(value), 'e', 1)) - 2
                                      = split_part(nexus_assets.comparable(value), '+', 2)::integer)
              THEN nexus_assets.comparable(value)::numeric::text ELSE value END
$$;

-- A calendar date that exists, else NULL. A year before 1800 or after 2199 was mistyped; and what is midnight of the year 1 here lies
-- in none that Django can read.
CREATE OR REPLACE FUNCTION nexus_assets.real_date(year integer, month integer, day integer) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN year BETWEEN 1800 AND 2199 AND month BETWEEN 1 AND 12 AND day BETWEEN 1 AND
    CASE WHEN month IN (4, 6, 9, 11) THEN 30
         WHEN month <> 2 THEN 31
         WHEN year % 4 = 0 AND (year % 100 <> 0 OR year % 400 = 0) THEN 29
         ELSE 28 END
  THEN make_date(year, month, day) END
$$;

-- A year of four digits as it is; of two digits, the one between 70 years back and 29 ahead of `today`, FileMaker's window.
CREATE OR REPLACE FUNCTION nexus_assets.read_year(digits text, today date) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE length(digits)
    WHEN 4 THEN digits::integer
    WHEN 2 THEN extract(year FROM today)::integer - 70
                + (digits::integer - (extract(year FROM today)::integer - 70) % 100 + 100) % 100 END
$$;

-- The number of a month by its English name, or at least the first three letters of it.
CREATE OR REPLACE FUNCTION nexus_assets.read_month(name text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT number::integer FROM unnest(ARRAY['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august',
    'september', 'october', 'november', 'december']) WITH ORDINALITY AS months(month, number)
  WHERE length(name) >= 3 AND starts_with(month, name)
$$;

-- A date: `2016-10-18`; `18 Oct 2016`, `18-Oct-16`, `October 18, 2016`; or numbers apart by / . - in the order that the
-- file was found to have ('mdy' or 'dmy'). A weekday before it and a time of day behind it are skipped; a time with a zone
-- (`Z`, `+10:00`) makes it an instant, whose day is the one in `zone`. Numbers of five digits are Excel's serial days since
-- `epoch`.
DROP FUNCTION IF EXISTS nexus_assets.read_date(text, text, date, date);
CREATE OR REPLACE FUNCTION nexus_assets.read_date(value text, date_order text, today date, epoch date, zone text DEFAULT 'UTC'::text)
RETURNS date LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  words text[];
  mark text;
  year integer;
  clock interval;
BEGIN
  value := nexus_assets.comparable(value);
  IF value IS NULL THEN RETURN NULL; END IF;
  IF value ~ '^[0-9]{5}([.][0-9]+)?$' THEN RETURN epoch + left(value, 5)::integer; END IF;
  value := regexp_replace(value, '^(mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]* ', '');
  IF value LIKE '%:%' THEN
    words := regexp_match(value,
      '^(.*[0-9])[ t]([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?: ?[ap][.]?m[.]?)?) ?(z|utc|gmt|([+-])([0-9]{2}):?([0-9]{2})?)?$');
    clock := nexus_assets.read_time(replace(words[2], ',', '.'));
    IF clock IS NULL OR words[5]::integer > 14 OR words[6]::integer > 59 THEN RETURN NULL; END IF;
    IF words[3] IS NULL THEN RETURN nexus_assets.read_date(words[1], date_order, today, epoch, zone); END IF;
    IF words[4] IS NOT NULL THEN
      -- `3/18/2024 9:30-10:30` is from when till when.
      IF words[1] !~ '^[0-9]{4}-' THEN RETURN NULL; END IF;
      clock := clock - make_interval(hours => (words[4] || words[5])::integer, mins => (words[4] || coalesce(words[6], '0'))::integer);
    END IF;
    RETURN (((nexus_assets.read_date(words[1], date_order, today, epoch, zone) + clock) AT TIME ZONE 'UTC') AT TIME ZONE zone)::date;
  END IF;

  -- Split, because a match that returns its groups takes many times as long as one that only tells whether there is one.
  mark := substr(ltrim(value, '0123456789'), 1, 1);
  words := string_to_array(value, mark);
  IF mark IN ('/', '.', '-') AND cardinality(words) = 3 AND array_to_string(words, ' ')
      ~ '^([0-9]{4} [0-9]{1,2} [0-9]{1,2}|[0-9]{1,2} [0-9]{1,2} ([0-9]{4}|[0-9]{2}))$' THEN
    IF length(words[1]) = 4 THEN RETURN nexus_assets.real_date(words[1]::integer, words[2]::integer, words[3]::integer); END IF;
    IF date_order = 'dmy' THEN words := ARRAY[words[2], words[1], words[3]]; END IF;
    year := nexus_assets.read_year(words[3], today);
    RETURN nexus_assets.real_date(year, words[1]::integer, words[2]::integer);
  END IF;
  words := regexp_match(value, '^([0-9]{1,2})(?:st|nd|rd|th)?[ -]?([a-z]{3,9})[.]?,?[ -]?([0-9]{4}|[0-9]{2})$');
  IF words IS NULL THEN
    words := regexp_match(value, '^([a-z]{3,9})[.]?[ -]([0-9]{1,2})(?:st|nd|rd|th)?(?:, ?|[ -])([0-9]{4}|[0-9]{2})$');
    words := ARRAY[words[2], words[1], words[3]];
  END IF;
  RETURN nexus_assets.real_date(
    nexus_assets.read_year(words[3], today), nexus_assets.read_month(words[2]), words[1]::integer);
END
$$;

-- A time of day as the interval since midnight, up to and including 24 hours: `9:05`, `09:05:30`, `9:05 PM`, `9 am`,
-- `24:00:00` and `1 day, 0:00:00` (the end of the day), the time behind a date, or Excel's fraction of a day.
CREATE OR REPLACE FUNCTION nexus_assets.read_time(value text) RETURNS interval
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  words text[];
  hours integer;
  seconds numeric;
BEGIN
  value := nexus_assets.comparable(value);
  IF value IS NULL THEN RETURN NULL; END IF;
  IF value ~ '^0?[.][0-9]{1,20}$' THEN RETURN make_interval(secs => round(value::numeric * 86400)::double precision); END IF;
  IF value ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}' THEN
    -- A cell of a workbook that is no time of day is shown as a date: the day 1 is the end of the day, more is too long.
    IF left(value, 10) IN ('1900-01-01', '1904-01-02') THEN
      RETURN CASE WHEN substr(value, 11) IN ('', ' 00:00:00', 't00:00:00') THEN interval '24 hours' END;
    END IF;
    IF left(value, 10) BETWEEN '1900-01-02' AND '1903-12-31' OR left(value, 10) BETWEEN '1904-01-03' AND '1904-12-31' THEN
      RETURN NULL;
    END IF;
    value := substr(value, 12);
  END IF;
  words := regexp_match(value,
    '^(?:([01]) days?,? )?([0-9]{1,2})(?::([0-9]{2}))?(?::([0-9]{2}(?:[.][0-9]{1,9})?))? ?(?:([ap])[.]?m[.]?)?$');
  IF words IS NULL OR (words[3] IS NULL AND words[5] IS NULL) OR (words[3] IS NULL AND words[4] IS NOT NULL) THEN
    RETURN NULL;
  END IF;
  hours := words[2]::integer + 24 * coalesce(words[1], '0')::integer;
  IF words[5] IS NOT NULL THEN
    IF hours NOT BETWEEN 1 AND 12 THEN RETURN NULL; END IF;
    hours := hours % 12 + CASE words[5] WHEN 'p' THEN 12 ELSE 0 END;
  END IF;
  seconds := coalesce(words[4], '0')::numeric;
  IF coalesce(words[3], '0')::integer > 59 OR seconds >= 60
     OR hours * 3600 + coalesce(words[3], '0')::integer * 60 + seconds > 86400 THEN RETURN NULL; END IF;
  RETURN make_interval(hours => hours, mins => coalesce(words[3], '0')::integer, secs => seconds::double precision);
END
$$;

-- Local wall-clock time as an instant. A time that the change to summer time skips is read one hour later (2:30 is 3:30
-- summer time); of a time that comes twice when it ends, the second one, standard time, is taken: PostgreSQL's own rule.
CREATE OR REPLACE FUNCTION nexus_assets.local_instant(day date, since_midnight interval, zone text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (day + coalesce(since_midnight, interval '0')) AT TIME ZONE zone
$$;

-- A whole number in the range of integer, else NULL.
CREATE OR REPLACE FUNCTION nexus_assets.read_integer(value text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN value ~ '^-?[0-9]{1,9}$' THEN value::integer
              WHEN nexus_assets.read_text(value) ~ '^-?[0-9]{1,10}$'
               AND nexus_assets.read_text(value)::bigint BETWEEN -2147483648 AND 2147483647
              THEN nexus_assets.read_text(value)::integer END
$$;

-- The id of a new row: RFC 9562's name-based UUIDv8 over SHA-256 (PostgreSQL has no SHA-1 of its own for version 5).
-- The same entity and FileMaker id give the same id forever, in every database. (Declared stable, as convert_to() is:
-- PostgreSQL would not put the function's body in place of its call otherwise, and a call costs four times as much.)
CREATE OR REPLACE FUNCTION nexus_assets.minted_id(entity text, source_id text) RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  -- Bits 52 to 55 are the version, 68 to 71 the variant: 8 in both.
  SELECT encode(set_bit(set_bit(set_bit(set_bit(set_bit(set_bit(set_bit(set_bit(
    substr(sha256(convert_to('nexus_assets:' || entity || ':' || source_id, 'UTF8')), 1, 16),
    52, 0), 53, 0), 54, 0), 55, 1), 68, 0), 69, 0), 70, 0), 71, 1), 'hex')::uuid
$$;

-- A jsonb object without its keys that are null, an empty text or an empty object, at any depth; any other value as it is.
CREATE OR REPLACE FUNCTION nexus_assets.without_blanks(value jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF jsonb_typeof(value) <> 'object' THEN
    RETURN value;
  END IF;
  RETURN (
    SELECT coalesce(jsonb_object_agg(key, inner_value), '{}') FROM (
      SELECT key, nexus_assets.without_blanks(entry.value) AS inner_value FROM jsonb_each(value) AS entry) AS entries
    WHERE inner_value NOT IN ('null', '{}') AND (jsonb_typeof(inner_value) <> 'string' OR nexus_assets.read_text(inner_value #>> '{}') IS NOT NULL)
  );
END $$;

-- A telephone number: one that was typed as a number loses what a program added (`.0`, thousands' commas) and gets back its
-- leading zero. In Australia's numbering plan a national number has ten digits of which the first is 0; numbers without it are
-- shorter (13 xx xx) or have ten digits as they are (1300, 1800), and international ones are longer.
CREATE OR REPLACE FUNCTION nexus_assets.phone_number(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT regexp_replace(nexus_assets.read_text(nexus_assets.plain_number(value)), '^([1-9][0-9]{8})$', '0\1')
$$;

-- A post code: four digits in Australia, of which a number has lost the leading 0 (Darwin is 0800).
CREATE OR REPLACE FUNCTION nexus_assets.post_code(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT regexp_replace(nexus_assets.read_text(nexus_assets.plain_number(value)), '^([1-9][0-9]{2})$', '0\1')
$$;

-- One row of FileMaker's Coms as an object with its `type` (mobile, phone, fax, email, address); NULL where it holds no number or
-- address. The mail address is in `ph`, too, and what is there tells a mail address from a number, whatever the type says; the state
-- and the country alone, which FileMaker fills in, are no address.
CREATE OR REPLACE FUNCTION nexus_assets.communication(kind text, name text, ph text, international text, sms text, line1 text, line2 text, suburb text, state text, post_code text, country text, one_line text)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  type text := nexus_assets.comparable(kind);
  number text := CASE WHEN ph ~ '[0-9]' THEN ph WHEN international ~ '[0-9]' THEN international WHEN sms ~ '[0-9]' THEN sms END;
  -- Beside mail addresses, in which there may be any.
  digits text := regexp_replace(regexp_replace(nexus_assets.plain_number(ph), '[^ ]+@[^ ]+', '', 'g'), '[^0-9]', '', 'g');
  label text;
BEGIN
  IF type IN ('mobile', 'phone', 'fax', 'email') THEN
    IF ph ~ '[^ ]@[^ ]' AND (type = 'email' OR digits !~ '[0-9]{6}') THEN
      type := 'email';
    ELSIF type = 'email' THEN
      IF digits !~ '[0-9]{6}' OR digits IS NULL THEN RETURN NULL; END IF;
      type := 'phone';
      number := ph;
    END IF;
  END IF;
  label := coalesce(nexus_assets.read_text(name), initcap(type));
  IF type = 'email' THEN
    RETURN jsonb_build_object('type', type, 'address', nexus_assets.read_text(ph), 'label', label);
  ELSIF type IN ('mobile', 'phone', 'fax') AND number IS NOT NULL THEN
    RETURN jsonb_build_object('type', type, 'number', nexus_assets.phone_number(number), 'label', label);
  ELSIF type <> 'address' OR type IS NULL THEN
    RETURN NULL;
  END IF;
  line1 := nexus_assets.read_text(line1);
  line2 := nexus_assets.read_text(line2);
  suburb := nexus_assets.read_text(suburb);
  post_code := nexus_assets.post_code(post_code);
  IF coalesce(line1, line2, suburb, post_code) IS NULL THEN
    -- In one line only: a house number or post code tells it from the state and the country.
    IF one_line !~ '[0-9]' OR one_line IS NULL THEN RETURN NULL; END IF;
    line1 := nexus_assets.read_text(one_line);
  END IF;
  RETURN jsonb_strip_nulls(jsonb_build_object('type', type, 'line1', line1, 'line2', line2, 'suburb', suburb,
    'state', nexus_assets.read_text(state), 'postcode', post_code, 'country', coalesce(nexus_assets.read_text(country), 'Australia'),
    'label', label, 'full_address', nexus_assets.read_text(one_line)));
END $$;

-- What Nexus's pages read of the numbers and mail addresses among the communications of one owner: the lists `phones` and `emails`, in
-- which the patient's page keeps one entry per label, among mobile numbers, among other numbers, and among mail addresses; and as
-- texts `email`, the first address, which that page also shows as `Primary`, or (`joined`) all of `phone`, `fax` and `email`. Rows
-- that say the same are one entry.
CREATE OR REPLACE FUNCTION nexus_assets.contact_json(entries jsonb, joined boolean) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  entry jsonb;
  shown text;
  label text;
  again integer;
  used text[] := '{}';
  phones jsonb := '[]';
  emails jsonb := '[]';
BEGIN
  FOR entry IN SELECT value FROM jsonb_array_elements(entries) WITH ORDINALITY AS listed(value, place)
               WHERE value ->> 'type' <> 'address' GROUP BY value ORDER BY min(place) LOOP
    shown := CASE entry ->> 'type' WHEN 'mobile' THEN 'mobile' WHEN 'email' THEN 'email' ELSE 'phone' END;
    label := entry ->> 'label';
    again := 1;
    WHILE shown || ' ' || label = ANY (used) LOOP
      again := again + 1;
      label := format('%s %s', entry ->> 'label', again);
    END LOOP;
    used := used || format('%s %s', shown, label);
    entry := entry || jsonb_build_object('label', label);
    IF shown = 'email' THEN
      emails := emails || jsonb_build_array(entry - 'type');
      used := used || 'email Primary'::text;
    ELSE
      phones := phones || jsonb_build_array(entry);
    END IF;
  END LOOP;
  RETURN jsonb_strip_nulls(jsonb_build_object(
    'phones', nullif(phones, '[]'),
    'emails', nullif(emails, '[]'),
    'email', CASE WHEN joined THEN (SELECT string_agg(value ->> 'address', ', ') FROM jsonb_array_elements(emails)) ELSE emails -> 0 ->> 'address' END,
    'phone', CASE WHEN joined THEN (SELECT string_agg(value ->> 'number', ', ') FROM jsonb_array_elements(phones) WHERE value ->> 'type' <> 'fax') END,
    'fax', CASE WHEN joined THEN (SELECT string_agg(value ->> 'number', ', ') FROM jsonb_array_elements(phones) WHERE value ->> 'type' = 'fax') END));
END $$;

-- What Nexus's pages read of the addresses among the communications of one owner: the first one; `addresses` has all that differ.
CREATE OR REPLACE FUNCTION nexus_assets.address_json(entries jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(jsonb_strip_nulls(jsonb_build_object('addresses', jsonb_agg(value - 'type' ORDER BY place),
      'street', first -> 'line1', 'street2', first -> 'line2', 'suburb', first -> 'suburb', 'state', first -> 'state',
      'postcode', first -> 'postcode', 'type', first -> 'label', 'default', true)), '{}')
  FROM (SELECT value, min(place) AS place, first_value(value) OVER (ORDER BY min(place)) AS first
        FROM jsonb_array_elements(entries) WITH ORDINALITY AS listed(value, place) WHERE value ->> 'type' = 'address'
        GROUP BY value) AS each
  GROUP BY first
  UNION ALL SELECT '{}' ORDER BY 1 DESC LIMIT 1
$$;
