-- SPDX-License-Identifier: Apache-2.0
-- From version 1 to 2: indexes for what people ask most. `path like 'device/%'` needs its own operators where the
-- database is not of locale C; events and journal are asked for by time over all sites; points by their labels.
-- In the order in which gateways lock: points, then events.

create index if not exists point_like on point (path text_pattern_ops);
create index if not exists point_labels on point using gin (labels jsonb_path_ops);
create index if not exists event_time on event (time);
create index if not exists journal_when on journal (time);
