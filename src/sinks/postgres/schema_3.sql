-- SPDX-License-Identifier: Apache-2.0
-- From version 2 to 3: values without a meaning in whole numbers (NaN, infinite, huge) break no view any more; which site
-- keeps old rows can be asked.

create or replace view samples as
select s.time, w.name as site, p.path, s.value, s.text, q.name as quality, p.units,
       case when p.enums is not null and s.value between -9e15 and 9e15 then p.enums ->> (s.value::int8)::text end
       as meaning, p.title, p.labels, s.site as site_number, s.point,
       coalesce(s.received, s.time) as received, s.detail
from sample s
join site w on w.number = s.site
left join point p on p.site = s.site and p.point = s.point
left join quality q on q.number = s.quality;

create or replace view latest as
select w.name as site, p.path, s.time, s.value, s.text, q.name as quality, p.units,
       case when p.enums is not null and s.value between -9e15 and 9e15 then p.enums ->> (s.value::int8)::text end
       as meaning, p.title, p.labels, p.site as site_number, p.point
from point p
join site w on w.number = p.site
join lateral (
    select time, value, text, quality from sample
    where sample.site = p.site and sample.point = p.point
    order by time desc limit 1
) s on true
left join quality q on q.number = s.quality;

comment on column mark.name is 'hours, chunks (microseconds since 1970: all before is made), chunks point (the same day is made up to it), journal (last entry; -1: looked for), journal offset (added to the gateway''s numbers)';

create function site_wants(number_of_site int2, high timestamptz) returns bool
language sql stable set search_path = #schema#, pg_temp as $$
    select coalesce(bool_or(w.rows_keep is null or high > now() - w.rows_keep
        or w.chunks and (coalesce(m.value, 0) < extract(epoch from high) * 1000000 or exists (
            select from late l where l.site = w.number and l.kind = 2 and l.start < high))), false)
    from site w
    left join mark m on m.site = w.number and m.name = 'chunks'
    where w.number = number_of_site
$$;
comment on function site_wants is 'Whether a site wants the rows before this time still, or has not all of their days in chunk';

create or replace function partition_old(high timestamptz) returns bool
language sql stable set search_path = #schema#, pg_temp as $$
    select high <= now() - interval '1 day' and not exists (select from site w where site_wants(w.number, high))
$$;
