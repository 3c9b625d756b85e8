/* SPDX-License-Identifier: Apache-2.0 */
/* The shapes of docs/rest.md (notation: openapi.h). Those of the configuration and the ports are here
 * too, so that the app's routes only name them. */
#include "server/openapi.h"

#define LEDGER_FIELDS "received:i stored:i repeated:i "

const struct openapi_schema openapi_schemas[] = {
    { .name = "Error", .shape = "error:{code:s message:s hint:s}" },
    { .name = "Site", .shape = "id:s name:s timezone:s" },
    { .name = "Health",
      .shape = "status:s version:s started:t uptime_s:n site:Site "
               "log:{state:s error:s waiting_samples:i commits:i fsync_us:i fsync_longest_us:i} "
               "disk:{free_bytes:i total_bytes:i history_bytes:i} "
               "config:{version:i differs:b} problems:[{what:s why:s hint:s}]" },
    { .name = "Status",
      .shape =
          "site:Site devices:{up:i down:i connecting:i paused:i total:i} "
          "points:{good:i bad:i total:i} samples_per_s:n polls_per_s:n holds:i memory_bytes:i "
          "cpu_percent:n loop_longest_us:i " LEDGER_FIELDS "refused:i waiting:i "
          "events:{received:i stored:i refused:i waiting:i kept:i unacked:i} "
          "history:{series:i head_samples:i block_samples:i blocks:i block_bytes:i log_bytes:i "
          "head_bytes:i written_bytes:i expired_samples:i deleted_samples:i damaged_chunks:i "
          "tier_bytes:i days:i cold_days:i unmerged_samples:i pending_deletes:i doing:s "
          "policies:[{name:s keep_s:i? bytes:i max_bytes:i removed_days:i oldest:t?}]} "
          "sinks:[{name:s kind:s phase:s up:b lag_s:n waiting:i published:i aside:i released:i "
          "why:s}]" },
    { .name = "Device",
      .shape = "name:s title:s place:s protocol:s profile:s address:s link:s error:s since:t? "
               "last_answer:t? speaks_first:b next_try:t? poll_ms:n lag_ms:n errors_hour:i polls:i "
               "answers:i "
               "timeouts:i refusals:i bad_frames:i retries:i lag_polls:i "
               "points:{good:i bad:i total:i} browsable:b config:s" },
    { .name = "DriverList",
      .shape = "drivers:[{protocol:s discovers:b finds:i finds_left_out:i "
               "messages:{messages:i readings:i events:i repeated:i refused:i unused:i strangers:i "
               "waiting:i}? facts:[{part:s name:s text:s trouble:s closed:b}]}]" },
    { .name = "MessageList",
      .shape =
          "protocol:s messages:i readings:i events:i repeated:i refused:i unused:i strangers:i "
          "waiting:i refusals:[{id:i time:t? source:s where:s why:s excerpt:s}] source_count:i "
          "sources:[{source:s messages:i refused:i last:t? last_refused:t?}] "
          "unknown_ids:[{id:s came_by:s messages:i last:t? sample:s}]" },
    { .name = "DeviceList", .shape = "devices:[Device] total:i all:i" },
    { .name = "DeviceDetail",
      .shape = "Device & sent_bytes:i received_bytes:i messages:b limits:[{name:s value:i}]" },
    { .name = "FrameList", .shape = "frames:[{time:t sent:b size:i hex:s text:s bad:s?}]" },
    { .name = "TestRequest", .shape = "options:[s]" },
    { .name = "TestResult",
      .shape = "fine:b code:s took_ms:n findings:[{step:s fine:b seen:s hint:s code:s}]" },
    { .name = "PayloadTest",
      .shape = "device:s rules:[s] settings:s message:s message_base64:s last:b fields:o" },
    { .name = "PayloadFindings",
      .shape = "message:s? findings:[{name:s rule:s event:b element:i id:s fine:b found:s why:s "
               "value:v? "
               "type:s quality:s time:t?}] left_out:i readable:b error:s hint:s" },
    { .name = "Point",
      .shape = "path:s title:s value:v? exact:s text:s type:s units:s quality:s reason:s detail:s "
               "time:t? received:t? since:t? age_s:n? last_good:{value:v text:s time:t?}? "
               "writable:b device:s source:s config:s" },
    { .name = "PointList", .shape = "points:[Point] total:i all:i reasons:[{reason:s count:i}]" },
    { .name = "PointDetail",
      .shape = "Point & enum:[{value:i name:s}] every_s:n watched:b pushed:b check_every_s:n? "
               "stale_after_s:n? scale:n offset:n "
               "deadband:n write:{min:n? max:n? confirm:b releasable:b priority:i? max_time_s:n?}? "
               "holds:[Hold] sinks:[s] "
               "ledger:{" LEDGER_FIELDS
               "refused:[{reason:s count:i}] waiting:i balances:b} explain:[{step:s text:s}]" },
    { .name = "WriteRequest",
      .shape = "value:v priority:i for:s timeout_s:n confirmed:b",
      .required = "value" },
    { .name = "ReleaseRequest", .shape = "priority:i timeout_s:n confirmed:b" },
    { .name = "WriteResult",
      .shape = "written:b released:b read_back:b priority:i? until:t? before:v? after:v? took_ms:n "
               "message:s" },
    { .name = "Hold",
      .shape = "path:s priority:i? value:s units:s who:s from:s since:t until:t? failures:i "
               "next_try:t? trouble:s configured:b" },
    { .name = "HoldList", .shape = "holds:[Hold] total:i more:b" },
    { .name = "ExtendRequest", .shape = "for:s" },
    { .name = "Command",
      .shape =
          "path:s device:s name:s title:s confirm:b protocol:s known:b description:s trouble:s "
          "arguments:[{name:s type:s description:s}] results:[{name:s type:s description:s}] "
          "presets:[{path:s value:s}]" },
    { .name = "CommandList", .shape = "commands:[Command] total:i" },
    { .name = "CommandRequest", .shape = "arguments:[v] timeout_s:n confirmed:b" },
    { .name = "CommandResult", .shape = "done:b results:o? took_ms:n message:s" },
    { .name = "Certificate",
      .shape = "list:s fingerprint:s fault:s words:s waits:b subject:s issuer:s hosts:s uri:s "
               "from:t? until:t? days_left:i? key:s key_bits:i signature:s protocol:s peer:s "
               "device:s first:t? last:t? times:i" },
    { .name = "CertificateList",
      .shape = "certificates:[Certificate] waiting:i refused:i trusted:i" },
    { .name = "CertificateDetail", .shape = "Certificate & pem:s" },
    { .name = "ConnectorKey", .shape = "connector:s id:s label:s created:t used:t?" },
    { .name = "ConnectorKeyList", .shape = "keys:[ConnectorKey]" },
    { .name = "ConnectorKeyMade", .shape = "ConnectorKey & key:s" },
    { .name = "ConnectorKeyRequest", .shape = "label:s" },
    { .name = "Connector",
      .shape = "name:s protocol:s devices:i messages:i refused:i key_count:i last:t? trouble:s" },
    { .name = "ConnectorList", .shape = "connectors:[Connector]" },
    { .name = "ConnectorDetail",
      .shape = "Connector & settings:[{name:s text:s}] keys:[ConnectorKey]" },
    { .name = "Sink",
      .shape =
          "name:s kind:s title:s where:s points:s exactly_once:b sql:b phase:s up:b since:t? "
          "published:i repeated:i aside:i released:i events:i events_aside:i "
          "events_released:i waiting:i waiting_bytes:i lag_s:n samples_per_s:n batches:i "
          "failures:i last_published:t? error:{code:s message:s hint:s time:t?}? why:s next_try:t? "
          "quota:{keep_bytes:i keep_s:i? left_bytes:i left_s:i? used:n} trouble:s" },
    { .name = "SinkList", .shape = "sinks:[Sink]" },
    { .name = "SinkDetail",
      .shape = "Sink & details:[{name:s text:s}] recent:{to:t? step_s:i lag_s:[n] waiting:[i] "
               "samples_per_s:[n]}" },
    { .name = "SinkDone", .shape = "sink:s changed:b message:s" },
    { .name = "SinkTest",
      .shape = "findings:[{what:s verdict:s text:s hint:s}] fine:b verdict:s took_ms:n" },
    { .name = "SinkAsideRequest", .shape = "id:i" },
    { .name = "SinkResendRequest", .shape = "from:s to:s points:s", .required = "from" },
    { .name = "SinkTask",
      .shape = "id:i state:s done:i total:i code:s message:s began:t ended:t? sink:s verb:s sent:i "
               "refused:i" },
    { .name = "SinkTaskList", .shape = "tasks:[SinkTask]" },
    { .name = "SinkAside",
      .shape = "id:i event:b time:t path:s value:s quality:s reason:s set_aside:t" },
    { .name = "SinkAsideList", .shape = "rows:[SinkAside] total:i" },
    { .name = "Task",
      .shape = "id:i state:s done:i total:i code:s message:s began:t ended:t? protocol:s" },
    { .name = "DiscoverRequest",
      .shape = "protocol:s range:s options:o timeout_s:n",
      .required = "protocol" },
    { .name = "Discovery", .shape = "Task & range:s found:i finds:[Find]" },
    { .name = "DiscoveryList", .shape = "discoveries:[Discovery]" },
    { .name = "Find",
      .shape = "find:i protocol:s key:s id:s name:s vendor:s model:s description:s address:s "
               "objects:i? answer_ms:n? first:t last:t times:i state:s device:s trouble:s "
               "facts:[{name:s text:s}] settings:s" },
    { .name = "FindList", .shape = "finds:[Find] total:i new:i known:i left_out:i" },
    { .name = "BrowseRequest", .shape = "device:s point:s find:i protocol:s settings:s at:s" },
    { .name = "Browse", .shape = "Task & device:s find:i? at:s count:i left_out:i nodes:[Node]" },
    { .name = "BrowseList", .shape = "browses:[Browse]" },
    { .name = "Node",
      .shape =
          "id:s parent:s kind:s name:s description:s branch:b readable:b writable:b "
          "watchable:b units:s enum:[{value:i name:s}] min:n? max:n? value:v? text:s quality:s "
          "reason:s trouble:s added:s point_name:s point:s command:s proposed:b" },
    { .name = "YamlRequest", .shape = "name:s nodes:[s] all:b" },
    { .name = "Samples",
      .shape = "path:s units:s type:s from:t to:t more:b damaged:i samples:[[v]] step_ms:i "
               "buckets:[[v?]]" },
    { .name = "DeleteRequest", .shape = "match:s from:s to:s dry_run:b", .required = "match" },
    { .name = "DeleteResult", .shape = "series:i samples:i deleted:b" },
    { .name = "Event",
      .shape = "id:i time:t received:t source:s kind:s severity:s text:s latest:b ack:s "
               "acknowledged:{time:t by:s note:s result:s}? key:s cut:b "
               "arguments:[{name:s value:v?}]" },
    { .name = "EventList", .shape = "events:[Event]" },
    { .name = "AcknowledgeRequest", .shape = "note:s" },
    { .name = "AcknowledgeResult", .shape = "Event & message:s" },
    { .name = "Stream",
      .shape = "points:[Point] devices:[Device] health:Health events:[Event] missed:{events:i}" },
    { .name = "SinkLedger",
      .shape = "sink:s stored:i published:i repeated:i waiting:i aside:i released:i lost_records:i "
               "missing:i balances:b? text:s hint:s" },
    { .name = "Ledger",
      .shape = "balances:b totals:{" LEDGER_FIELDS
               "refused:[{reason:s count:i}] waiting:i balances:b} "
               "ingest:{received:i refused:[{reason:s count:i}]} points:[{path:s " LEDGER_FIELDS
               "refused:i waiting:i balances:b}] total:i sinks:[SinkLedger]" },
    { .name = "Journal",
      .shape = "entries:[{id:i time:t who:s from:s what:s path:s old:s new:s result:s}]" },
    { .name = "Log", .shape = "lines:[{id:i time:t level:s module:s device:s text:s}]" },
    { .name = "Ports",
      .shape = "ports:[{use:s transport:s port:i address:s direction:s peer:s firewall:b owner:s "
               "pid:i conflict:s running:b}]" },
    { .name = "Config",
      .shape = "version:i applied:t? who:s differs:b folder:s "
               "files:[{file:s bytes:i hash:s written_by:s}]" },
    { .name = "Problems",
      .shape = "errors:i warnings:i problems:[{file:s line:i column:i width:i severity:s message:s "
               "hint:s source:s}]" },
    { .name = "Change", .shape = "kind:s what:s old:s new:s text:s" },
    { .name = "Diff", .shape = "differs:b changes:[Change] stopped:[s]" },
    { .name = "ApplyRequest", .shape = "dry_run:b" },
    { .name = "ApplyResult",
      .shape = "Problems & applied:b version:i took_ms:n changes:[Change] stopped:[s] undo:i" },
    { .name = "Versions", .shape = "versions:[{version:i time:t who:s summary:s running:b}]" },
    { .name = "RollbackRequest", .shape = "version:i", .required = "version" },
};
const size_t openapi_schema_count = sizeof(openapi_schemas) / sizeof(openapi_schemas[0]);
