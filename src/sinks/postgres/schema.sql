-- SPDX-License-Identifier: Apache-2.0
-- Version 3 of what busbar keeps in PostgreSQL 13 and later. Run with search_path at the schema, in one transaction,
-- by migrate.c or by a person (busbar sink sql). #partitioned# stands for the division by time: partitions, or nothing
-- where TimescaleDB does that.

create table meta (
    version int4 primary key,
    made timestamptz not null default now(),
    made_by text not null default current_user
);
comment on table meta is 'Versions of this schema: the highest is what the tables are';
comment on column meta.version is 'Number of a migration that was made';
comment on column meta.made is 'When';
comment on column meta.made_by is 'By which role';

create table quality (
    number int2 primary key,
    name text not null,
    class text not null
);
comment on table quality is 'What the numbers of quality mean';
comment on column quality.number is 'As in the column quality of other tables';
comment on column quality.name is 'In words';
comment on column quality.class is 'good, uncertain or bad';
insert into quality values
    (0, 'good', 'good'), (1, 'held by hand', 'uncertain'), (2, 'clamped', 'uncertain'), (3, 'stale', 'bad'),
    (4, 'not yet known', 'bad'), (5, 'no answer', 'bad'), (6, 'link down', 'bad'), (7, 'refused', 'bad'),
    (8, 'out of service', 'bad'), (9, 'out of range', 'bad'), (10, 'decode error', 'bad'),
    (11, 'configuration', 'bad'), (12, 'paused', 'bad'), (13, 'fault', 'bad'), (14, 'uncertain', 'uncertain');

create table site (
    number int2 generated always as identity primary key,
    name text not null unique,
    title text not null default '',
    log_id text not null,
    claimed timestamptz not null default now(),
    sequence int8 not null default 1,
    taken int8 not null default 0,
    published int8 not null default 0,
    repeated int8 not null default 0,
    aside int8 not null default 0,
    released int8 not null default 0,
    events int8 not null default 0,
    events_aside int8 not null default 0,
    events_released int8 not null default 0,
    changed timestamptz not null default now(),
    rows_keep interval,
    chunks bool not null default true
);
comment on table site is 'Gateways that publish here, and how far each has come: moved in the transaction of the rows, so that none is ever missing or there twice';
comment on column site.number is 'Stands for the site in other tables';
comment on column site.name is 'site.id of the gateway''s configuration';
comment on column site.title is 'Name of the site for people';
comment on column site.log_id is 'The log of the gateway that sequence counts in';
comment on column site.claimed is 'When a gateway last began to publish with this log';
comment on column site.sequence is 'Record of the log that comes next';
comment on column site.taken is 'Samples and events of that record that are here already';
comment on column site.published is 'Samples published since the sink began';
comment on column site.repeated is 'Of them: same point and time as one before';
comment on column site.aside is 'Samples that were refused here and wait at the gateway';
comment on column site.released is 'Samples that the gateway let go because of its quota';
comment on column site.events is 'Events published since the sink began';
comment on column site.events_aside is 'Events that were refused here and wait at the gateway';
comment on column site.events_released is 'Events that the gateway let go because of its quota';
comment on column site.changed is 'When the place last moved';
comment on column site.rows_keep is 'How long this gateway wants samples to be kept as rows; null: forever';
comment on column site.chunks is 'Whether days must be in the table chunk before their rows go';

create table mark (
    site int2 not null,
    name text not null,
    value int8 not null,
    primary key (site, name)
);
comment on table mark is 'How far the upkeep of a site has come';
comment on column mark.site is 'Number of the site';
comment on column mark.name is 'hours, chunks (microseconds since 1970: all before is made), chunks point (the same day is made up to it), journal (last entry; -1: looked for), journal offset (added to the gateway''s numbers)';
comment on column mark.value is 'The mark';

create table point (
    site int2 not null,
    point int4 not null,
    path text not null default '',
    device text not null default '',
    name text not null default '',
    title text not null default '',
    units text not null default '',
    type text not null default '',
    protocol text not null default '',
    place text not null default '',
    profile text not null default '',
    writable bool not null default false,
    counter bool not null default false,
    labels jsonb not null default '{}',
    enums jsonb,
    first timestamptz not null default now(),
    changed timestamptz not null default now(),
    hours bool not null default false,
    primary key (site, point)
);
create index point_path on point (path);
create index point_like on point (path text_pattern_ops);
create index point_labels on point using gin (labels jsonb_path_ops);
create index point_hours on point (site, point) where not hours;
comment on table point is 'Points, and series that others sent to the gateway (path is empty then)';
comment on column point.site is 'Number of the site';
comment on column point.point is 'Number of the point within its site; never used again for another';
comment on column point.path is 'device/point';
comment on column point.device is 'The device''s part of the path';
comment on column point.name is 'The point''s part of the path';
comment on column point.title is 'Name for people';
comment on column point.units is 'Units of the values, such as degC or kWh';
comment on column point.type is 'bool, int, double or string';
comment on column point.protocol is 'How the gateway reads it';
comment on column point.place is 'Where the device is';
comment on column point.profile is 'The profile that the device was configured by';
comment on column point.writable is 'Whether the gateway may write it';
comment on column point.counter is 'Whether the value only grows';
comment on column point.labels is 'Labels as PromQL sees them';
comment on column point.enums is 'What the numbers mean: {"0": "off"}';
comment on column point.first is 'When it first came here';
comment on column point.changed is 'When one of these facts last changed';
comment on column point.hours is 'Whether the hours from before it came here are made';

create table sample (
    time timestamptz not null,
    value float8,
    point int4 not null,
    site int2 not null,
    quality int2 not null,
    text text,
    received timestamptz,
    detail int2,
    primary key (site, point, time)
) #partitioned#;
comment on table sample is 'Samples: one row for each point and time; the view samples has them with names';
comment on column sample.time is 'When it was so, by the device''s clock where it has one';
comment on column sample.value is 'The number; 0 and 1 of a bool; null: text, or no value (see quality)';
comment on column sample.point is 'Number of the point within its site';
comment on column sample.site is 'Number of the site';
comment on column sample.quality is '0 is good, others: table quality';
comment on column sample.text is 'A text value; of an integer that a float8 cannot hold all its digits';
comment on column sample.received is 'When the gateway got it; null: at that time';
comment on column sample.detail is 'The protocol''s own code of an error, above 32767 less 65536; null: none';

create table hour (
    hour timestamptz not null,
    min float8,
    max float8,
    sum float8,
    first float8,
    last float8,
    point int4 not null,
    count int4 not null,
    bad int4 not null,
    others int4 not null,
    site int2 not null,
    quality int2 not null,
    primary key (site, point, hour)
);
create index hour_hour on hour (site, hour);
comment on table hour is 'Hours of points, made by the gateway from its own history; the view hourly has them with names';
comment on column hour.hour is 'The hour''s beginning';
comment on column hour.min is 'Least number of good or uncertain quality; null: there is none';
comment on column hour.max is 'Greatest';
comment on column hour.sum is 'Sum: sum / count is the mean';
comment on column hour.first is 'First; null: none, or not known any more';
comment on column hour.last is 'Last';
comment on column hour.point is 'Number of the point within its site';
comment on column hour.count is 'Numbers of good or uncertain quality';
comment on column hour.bad is 'Samples of bad quality or without a value';
comment on column hour.others is 'Good texts, and values that are no number';
comment on column hour.site is 'Number of the site';
comment on column hour.quality is 'Of the last sample of any kind';

create table chunk (
    day date not null,
    point int4 not null,
    site int2 not null,
    part int2 not null default 0,
    format int2 not null,
    samples int4 not null,
    first timestamptz not null,
    last timestamptz not null,
    made timestamptz not null default now(),
    data bytea not null,
    primary key (site, point, day, part)
);
alter table chunk alter column data set storage external;
create index chunk_day on chunk (site, day);
comment on table chunk is 'Whole days of points, compressed by the gateway: read back by busbar history import --from postgresql';
comment on column chunk.day is 'Day, UTC';
comment on column chunk.point is 'Number of the point within its site';
comment on column chunk.site is 'Number of the site';
comment on column chunk.part is 'From 0 on where a day is more than one chunk';
comment on column chunk.format is 'How data is to be read';
comment on column chunk.samples is 'How many are in it';
comment on column chunk.first is 'Time of the first';
comment on column chunk.last is 'Time of the last';
comment on column chunk.made is 'When it was made, last';
comment on column chunk.data is 'The samples';

create table event (
    time timestamptz not null,
    received timestamptz not null,
    uid int8 not null,
    site int2 not null,
    severity int2 not null,
    ack_wanted bool not null default false,
    source text not null,
    kind text not null,
    text text not null default '',
    key text not null default '',
    arguments jsonb,
    primary key (site, time, uid)
);
create index event_time on event (time);
comment on table event is 'Events of devices and of the gateway';
comment on column event.time is 'When it happened';
comment on column event.received is 'When the gateway heard of it';
comment on column event.uid is 'Tells it from others of the same time';
comment on column event.site is 'Number of the site';
comment on column event.severity is '0 info, 1 low, 2 medium, 3 high, 4 critical';
comment on column event.ack_wanted is 'Whether the device waits for an acknowledgement';
comment on column event.source is 'Device, point or part of the gateway';
comment on column event.kind is 'alarm, fault, normal, trap ...';
comment on column event.text is 'One line for people';
comment on column event.key is 'What the device knows it by';
comment on column event.arguments is 'What came with it: {"name": value}';

create table journal (
    id int8 not null,
    time timestamptz not null,
    site int2 not null,
    who text not null default '',
    origin text not null default '',
    what text not null default '',
    path text not null default '',
    old_value text not null default '',
    new_value text not null default '',
    result text not null default '',
    primary key (site, id)
);
create index journal_time on journal (site, time);
create index journal_when on journal (time);
comment on table journal is 'Who did what at the gateway';
comment on column journal.id is 'Number of the entry within its site';
comment on column journal.time is 'When';
comment on column journal.site is 'Number of the site';
comment on column journal.who is 'User, or part of the gateway';
comment on column journal.origin is 'Address it came from';
comment on column journal.what is 'What was done: write, pause, config apply ...';
comment on column journal.path is 'Point, device or file that it was done to';
comment on column journal.old_value is 'Before';
comment on column journal.new_value is 'After';
comment on column journal.result is 'What came of it';

create table late (
    site int2 not null,
    kind int2 not null,
    point int4 not null,
    start timestamptz not null,
    noted int4 not null default 1,
    primary key (site, kind, point, start)
);
comment on table late is 'Hours and days that samples came for after they were made: to be made again';
comment on column late.site is 'Number of the site';
comment on column late.kind is '1: an hour, 2: a day';
comment on column late.point is 'Number of the point within its site';
comment on column late.start is 'Beginning of the hour or day';
comment on column late.noted is 'How often: whoever makes it again takes the row away only when this did not change';

create view samples as
select s.time, w.name as site, p.path, s.value, s.text, q.name as quality, p.units,
       case when p.enums is not null and s.value between -9e15 and 9e15 then p.enums ->> (s.value::int8)::text end
       as meaning, p.title, p.labels, s.site as site_number, s.point,
       coalesce(s.received, s.time) as received, s.detail
from sample s
join site w on w.number = s.site
left join point p on p.site = s.site and p.point = s.point
left join quality q on q.number = s.quality;
comment on view samples is 'Samples with names; ask with a range of time and a path';

create view latest as
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
comment on view latest is 'The newest sample of each point';

create view hourly as
select h.hour, w.name as site, p.path, h.min, h.max, h.sum / nullif(h.count, 0) as avg, h.first, h.last, h.count,
       h.bad, p.units, p.title, p.labels, h.site as site_number, h.point
from hour h
join site w on w.number = h.site
left join point p on p.site = h.site and p.point = h.point;
comment on view hourly is 'Hours of points with names';

create view ledger as
select w.name as site, w.title, w.published, w.repeated, w.published - w.repeated as kept, w.aside, w.released,
       w.events, w.events_aside, w.events_released, w.changed, w.log_id, w.sequence, w.taken,
       to_timestamp(h.value / 1000000.0) as hours_to, to_timestamp(c.value / 1000000.0) as chunks_to,
       (select count(*) from late l where l.site = w.number) as late
from site w
left join mark h on h.site = w.number and h.name = 'hours'
left join mark c on c.site = w.number and c.name = 'chunks';
comment on view ledger is 'What each gateway published, and how far it came';

-- Partitions belong to the owner of the table: these let the role that publishes make and drop them, and no more.
create function partition_make(name text, low timestamptz, high timestamptz) returns void
language plpgsql security definer set search_path = #schema#, pg_temp as $$
begin
    if name !~ '^sample_[0-9a-z_]{1,40}$' then
        raise exception 'not the name of a partition: %', name using errcode = '42602';
    end if;
    -- of two gateways that need it at the same time, one makes it
    perform pg_advisory_xact_lock(hashtextextended('busbar partitions', 0));
    if to_regclass(quote_ident(name)) is null then
        -- attached, for that does not wait for those who read the others
        execute format('create table %I (like sample including all)', name);
        execute format('alter table sample attach partition %I for values from (%L) to (%L)', name, low, high);
    end if;
end $$;
comment on function partition_make is 'Makes a partition of sample, when it is not there';

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

create function partition_old(high timestamptz) returns bool
language sql stable set search_path = #schema#, pg_temp as $$
    select high <= now() - interval '1 day' and not exists (select from site w where site_wants(w.number, high))
$$;
comment on function partition_old is 'Whether no site wants the rows before this time any more, and all have their days in chunk';

create function partition_drop(name text) returns int8
language plpgsql security definer set search_path = #schema#, pg_temp set lock_timeout = '200ms' as $$
declare
    gone int8;
    bound text;
    high timestamptz;
begin
    select pg_get_expr(c.relpartbound, c.oid) into bound
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'sample'::regclass and c.relname = name;
    if bound is null then
        return 0;
    end if;
    high := substring(bound from $re$TO \('([^']+)'\)$re$)::timestamptz;
    if high is null or not partition_old(high) then
        raise exception 'the partition % is not old enough to be dropped', name using errcode = '42501';
    end if;
    select greatest(reltuples, 0)::int8 into gone from pg_class where oid = to_regclass(quote_ident(name));
    execute format('drop table %I', name);
    return gone;
end $$;
comment on function partition_drop is 'Drops a partition of sample that is old (partition_old); how many rows went, as the server last estimated';

insert into meta (version) values (3);
