/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of commands. A new verb is a row here and a function in its noun's file. */
#include "cli/cli.h"

#include <string.h>

#include "base/str.h"

static const struct cli_flag global_flags[] = {
    { "help", 'h', NULL, false, "what it does, its options, examples" },
    { "json", 0, "FIELDS", true, "JSON; with names only these fields; --json=help lists them" },
    { "csv", 0, NULL, false, "comma separated, with a head line" },
    { "plain", 0, NULL, false, "tab separated, no colour, nothing cut (a pipe gets this)" },
    { "quiet", 'q', NULL, false, "no talk on stderr but errors" },
    { "verbose", 'v', NULL, false, "more talk on stderr" },
    { "dry-run", 'n', NULL, false, "say what would happen, change nothing" },
    { "watch", 'w', NULL, false, "look again every 2 s until Ctrl-C" },
    { "yes", 'y', NULL, false, "do not ask" },
    { "no-input", 0, NULL, false, "never ask; fail where an answer is needed" },
    { "timeout", 0, "TIME", false, "how long to wait for an answer, 5s by default" },
    { "server", 0, "URL", false, "unix:PATH or http://HOST:PORT; else BUSBAR_SERVER" },
    { 0 },
};

static const struct cli_flag run_flags[] = {
    { "config", 'c', "PATH", false, "folder of YAML files, or one file; /etc/busbar by default" },
    { "data", 'd', "FOLDER", false,
      "where history and state are kept; /var/lib/busbar by default" },
    { "http", 0, "ADDR:PORT", false, "where page and REST listen, instead of the configuration's" },
    { "time-series", 0, "ADDR:PORT|off", false, "where the Prometheus API listens, likewise" },
    { "socket", 0, "PATH", false, "the Unix socket of the command line" },
    { 0 },
};
static const struct cli_flag check_flags[] = {
    { "config", 'c', "PATH", false, "folder of YAML files, or one file; /etc/busbar by default" },
    { "data", 'd', "FOLDER", false, "the data folder; /var/lib/busbar by default" },
    { 0 },
};
static const struct cli_flag doctor_flags[] = {
    { "config", 'c', "PATH", false, "check these files instead of the running gateway" },
    { "data", 'd', "FOLDER", false, "and this data folder; /var/lib/busbar by default" },
    { 0 },
};
static const struct cli_flag data_flags[] = {
    { "data", 'd', "FOLDER", false, "the data folder; /var/lib/busbar by default" },
    { 0 },
};
static const struct cli_flag sim_flags[] = {
    { "fault", 0, "DEVICE=FAULT", false,
      "start with a fault, e.g. meter-1=silence,for=10s; may be repeated" },
    { "control", 0, "PATH", false, "Unix socket on which faults can be set while it runs" },
    { "discovery", 0, "HOST[:PORT]", false,
      "an OPC UA discovery server too, where the simulated servers register; port 4840" },
    { "data", 'd', "FOLDER", false,
      "the gateway's data folder, for its secrets; else a secret's value is its name" },
    { "seed", 0, "N", false, "of the values; the same seed, the same values" },
    { 0 },
};
static const struct cli_flag ports_flags[] = {
    { "nft", 0, NULL, false, "nftables rules for these ports" },
    { "ufw", 0, NULL, false, "ufw commands for these ports" },
    { 0 },
};
static const struct cli_flag certificate_list_flags[] = {
    { "list", 0, "NAME", false, "only refused, own, trusted, issuer or revocations" },
    { 0 },
};
static const struct cli_flag certificate_show_flags[] = {
    { "pem", 0, NULL, false, "the certificate itself, as text" },
    { "der", 0, NULL, false, "the certificate itself, as bytes" },
    { 0 },
};
static const struct cli_flag connector_key_flags[] = {
    { "label", 0, "TEXT", false, "what it is for, to know it again" },
    { 0 },
};
static const struct cli_flag certificate_import_flags[] = {
    { "issuer", 0, NULL, false, "an authority that completes chains, trusted for nothing" },
    { 0 },
};
static const struct cli_flag device_list_flags[] = {
    { "down", 0, NULL, false, "only devices whose link is down" },
    { 0 },
};
static const struct cli_flag drivers_flags[] = {
    { "refused", 0, NULL, false, "the last messages that were refused, with the reason" },
    { "sources", 0, NULL, false, "who sends messages, those heard last first" },
    { "unknown", 0, NULL, false, "ids that came in messages and no device has" },
    { 0 },
};
static const struct cli_flag device_test_flags[] = {
    { "scan-units", 0, NULL, false, "also ask which unit ids answer behind the address" },
    { 0 },
};
static const struct cli_flag discover_flags[] = {
    { "low", 0, "N", false, "only devices with an id from N on" },
    { "high", 0, "N", false, "only devices with an id up to N" },
    { "network", 0, "NAME", false,
      "one network of the configuration, or the number of a remote one" },
    { "has", 0, "NAME", false, "ask who has an object of this name" },
    { "wait", 0, "TIME", false, "how long to listen for answers" },
    { "port", 0, "N", false, "ask at this port and no other" },
    { "scan", 0, NULL, false,
      "ask each address of RANGE for itself: finds what hears no broadcast" },
    { "credentials", 0, "NAMES", false, "SNMP: only these logins, in this order: plant,old" },
    { "public", 0, NULL, false, "SNMP: also the community public, that everybody knows" },
    { "rate", 0, "N", false, "SNMP: packets a second, 100 by default" },
    { "topic", 0, "TOPICS", false, "MQTT: listen to these only: 'zigbee/#'; all by default" },
    { "heard", 0, NULL, false, "ask nobody: what was heard and found until now" },
    { "yaml", 0, NULL, false, "of the one new device: its part of a configuration" },
    { 0 },
};
static const struct cli_flag payload_flags[] = {
    { "message", 'm', "TEXT", false, "the message" },
    { "file", 'f', "FILE", false, "the message is in a file; - or neither: stdin" },
    { "last", 0, NULL, false, "of a device: the last message that came" },
    { "settings", 0, "TEXT", false, "with rules: what a device would say: 'each: json $.list[*]'" },
    { 0 },
};
static const struct cli_flag snmp_walk_flags[] = {
    { "host", 0, "ADDRESS", false, "an agent that is no configured device: 10.0.4.2" },
    { "credentials", 0, "NAME", false, "with --host: its login; the community public without it" },
    { "numeric", 0, NULL, false, "object ids as numbers" },
    { 0 },
};
static const struct cli_flag browse_flags[] = {
    { "find", 0, "ID", false, "a find instead of a configured device: the column ID of discover" },
    { "yaml", 0, NULL, false, "the proposed points as a part of a configuration" },
    { "all", 0, NULL, false, "with --yaml: all that can be points, not only those proposed" },
    { "name", 0, "NAME", false, "with --yaml: what the new device will be called" },
    { 0 },
};
static const struct cli_flag frames_flags[] = {
    { "limit", 0, "N", false, "the last N frames, 50 by default" },
    { "bad", 0, NULL, false, "only frames that broke the protocol" },
    { 0 },
};
static const struct cli_flag point_list_flags[] = {
    { "bad", 0, NULL, false, "only points of bad quality" },
    { "manual", 0, NULL, false, "what is held by hand: by whom, since and until when" },
    { "limit", 0, "N", false, "at most N points; all by default" },
    { 0 },
};
static const struct cli_flag point_get_flags[] = {
    { "priorities", 0, NULL, false, "ask the device for the priority array behind the point" },
    { 0 },
};
static const struct cli_flag point_write_flags[] = {
    { "priority", 0, "N", false, "1 (first) to 16; the point's own by default" },
    { "for", 0, "TIME", false, "release it by itself after that: 30m, 2h, 1d" },
    { 0 },
};
static const struct cli_flag priority_flags[] = {
    { "priority", 0, "N", false, "where it is held at more than one: 1 to 16" },
    { 0 },
};
static const struct cli_flag extend_flags[] = {
    { "priority", 0, "N", false, "where it is held at more than one: 1 to 16" },
    { "for", 0, "TIME", false, "from now on; without it until somebody releases it" },
    { 0 },
};
static const struct cli_flag watch_flags[] = {
    { "count", 0, "N", false, "end after N values" },
    { 0 },
};
static const struct cli_flag event_list_flags[] = {
    { "from", 0, "TIME", false, "RFC 3339, or relative as -24h" },
    { "to", 0, "TIME", false, "only events before" },
    { "source", 0, "PATTERN", false, "a device or a point, with * and ?" },
    { "kind", 0, "KIND", false, "alarm, fault, normal, notification ..." },
    { "severity", 0, "WORD", false, "this one and above: info, low, medium, high, critical" },
    { "text", 0, "WORDS", false, "in the text or the source" },
    { "unacked", 0, NULL, false, "only what waits for an acknowledgement" },
    { "limit", 0, "N", false, "the newest N, 100 by default" },
    { 0 },
};
static const struct cli_flag event_watch_flags[] = {
    { "source", 0, "PATTERN", false, "a device or a point, with * and ?" },
    { "kind", 0, "KIND", false, "alarm, fault, normal, notification ..." },
    { "severity", 0, "WORD", false, "this one and above: info, low, medium, high, critical" },
    { "count", 0, "N", false, "end after N events" },
    { 0 },
};
static const struct cli_flag event_ack_flags[] = {
    { "note", 0, "TEXT", false, "kept with it, and sent along where the protocol can" },
    { 0 },
};
static const struct cli_flag sink_files_flags[] = {
    { "config", 'c', "PATH", false, "a sink of these files, without a running gateway" },
    { "data", 'd', "FOLDER", false, "with --config: where the secrets are; /var/lib/busbar" },
    { 0 },
};
static const struct cli_flag sink_resend_flags[] = {
    { "from", 0, "TIME", false, "first time: RFC 3339, or relative as -24h" },
    { "to", 0, "TIME", false, "the time behind the last; now by default" },
    { "points", 0, "PATTERNS", false,
      "only these: 'meter-*/*, pv-1/*'; the sink's own by default" },
    { 0 },
};
static const struct cli_flag sink_aside_flags[] = {
    { "limit", 0, "N", false, "the newest N, 100 by default" },
    { 0 },
};
static const struct cli_flag delete_flags[] = {
    { "from", 0, "TIME", false, "only samples from then on: 2026-11-22T00:00:00Z, -30d" },
    { "to", 0, "TIME", false, "only samples before" },
    { 0 },
};
static const struct cli_flag history_flags[] = {
    { "from", 0, "TIME", false, "RFC 3339, or relative as -24h; -1h by default" },
    { "to", 0, "TIME", false, "now by default" },
    { "limit", 0, "N", false, "at most N samples, 10,000 by default" },
    { "buckets", 0, "N", false, "min, max, average of N equal parts instead of samples" },
    { 0 },
};
static const struct cli_flag history_import_flags[] = {
    { "from", 0, "KIND", false, "postgresql: what a sink keeps, in place of a file" },
    { "sink", 0, "NAME", false, "with --from: the sink" },
    { "site", 0, "NAME", false, "with --from: the site there, this gateway's by default" },
    { "points", 0, "PATTERNS", false, "with --from: these only, as 'meter-*/*, pv-1/power'" },
    { "since", 0, "TIME", false, "with --from: from this time on" },
    { "until", 0, "TIME", false, "with --from: before this time" },
    { 0 },
};
static const struct cli_flag query_flags[] = {
    { "time", 0, "TIME", false, "when, now by default: RFC 3339, seconds since 1970, or -1h" },
    { "start", 0, "TIME", false, "of a range, -1h by default" },
    { "end", 0, "TIME", false, "of a range, now by default" },
    { "step", 0, "TIME", false, "between two samples of a range, a hundredth of it by default" },
    { 0 },
};
static const struct cli_flag ledger_flags[] = {
    { "points", 0, NULL, false, "a line a point, not only the totals" },
    { 0 },
};

static const struct cli_flag compact_flags[] = {
    { "cold", 0, NULL, false, "also recode all days as small as can be, whatever their age" },
    { 0 },
};
static const struct cli_flag folder_flags[] = {
    { "data", 'd', "FOLDER", false, "a data folder that no gateway uses, instead of asking one" },
    { 0 },
};
static const struct cli_flag export_flags[] = {
    { "start", 0, "TIME", false, "first time: RFC 3339, or relative as -24h; all by default" },
    { "end", 0, "TIME", false, "the time behind the last" },
    { "output", 'o', "FILE", false, "a new file instead of stdout; it appears when it is whole" },
    { 0 },
};
static const struct cli_flag backup_flags[] = {
    { "secrets", 0, NULL, false, "the secrets and their key too" },
    { "data", 'd', "FOLDER", false, "a data folder that no gateway uses, instead of asking one" },
    { 0 },
};
static const struct cli_flag restore_flags[] = {
    { "data", 'd', "FOLDER", false, "the data folder to fill; /var/lib/busbar by default" },
    { "replace", 0, NULL, false, "it may be in use: what is there is moved into replaced-TIME" },
    { 0 },
};

static const struct cli_flag translate_flags[] = {
    { "mibs", 0, "FOLDER", false, "also the MIB modules in this folder; several by \", \"" },
    { 0 },
};

static const struct cli_command commands[] = {
    { .verb = "run",
      .args = "",
      .run = cli_run,
      .flags = run_flags,
      .summary = "run the gateway until Ctrl-C or SIGTERM",
      .details =
          "Checks the configuration first and does not start with a wrong one. The page is at "
          "http://127.0.0.1:8080 unless the configuration says otherwise.",
      .example = "busbar run --config /etc/busbar --data /var/lib/busbar" },
    { .verb = "check",
      .args = "",
      .run = cli_check,
      .flags = check_flags,
      .summary = "what would stop `run`: configuration, ports, rights, disk",
      .example = "busbar check --config /etc/busbar" },
    { .verb = "status",
      .args = "",
      .run = cli_status,
      .looks = true,
      .summary = "the running gateway in one look",
      .example = "busbar status" },
    { .verb = "doctor",
      .args = "",
      .run = cli_doctor,
      .looks = true,
      .flags = doctor_flags,
      .summary = "look for what is wrong and say what to do",
      .details =
          "At the running gateway: configuration, log, disk, clock, devices, certificates, "
          "drivers, sinks, ports, ledger. With --config at the files and the data folder, without "
          "a gateway. Exit code 3 when something is bad; a warning alone is none.",
      .example = "busbar doctor\nbusbar doctor --config site.yaml --data /var/lib/busbar" },
    { .verb = "ports",
      .args = "",
      .run = cli_ports,
      .looks = true,
      .flags = ports_flags,
      .summary = "which ports are used, in which direction, by whom; firewall rules",
      .example = "busbar ports\nbusbar ports --nft" },
    { .verb = "ledger",
      .args = "[PATTERN]",
      .args_max = 1,
      .arg_kind = CLI_ARG_POINT,
      .run = cli_ledger,
      .looks = true,
      .flags = ledger_flags,
      .summary = "prove that no sample is missing: received = stored + repeated + refused",
      .details = "And of each sink: stored = published + waiting + aside + released. Exit code 1 "
                 "when a sum "
                 "does not balance.",
      .example = "busbar ledger\nbusbar ledger 'meter-*/*' --points" },
    { .verb = "query",
      .args = "EXPR",
      .args_min = 1,
      .args_max = 1,
      .run = cli_query,
      .looks = true,
      .flags = query_flags,
      .summary = "ask the history in PromQL",
      .details = "At one time the answer is a row a series; with --start, --end or --step it is a "
                 "row a sample. A wrong expression is shown with its place; exit code 2.",
      .example = "busbar query 'sum by (device) (power)'\n"
                 "busbar query 'avg_over_time(power[5m])' --start -1h --step 5m --csv" },
    { .verb = "discover",
      .args = "PROTOCOL [RANGE...]",
      .args_min = 1,
      .args_max = CLI_ARGS_MAX,
      .arg_kind = CLI_ARG_PROTOCOL,
      .run = cli_discover,
      .flags = discover_flags,
      .summary = "look for devices on the network",
      .details =
          "This is traffic on the network of the devices. RANGE is a network as 10.0.1.0/24, "
          "an address, or for OPC UA a host or the URL of a server; all networks of the protocol "
          "without it. SNMP takes several, and asks each address with the logins of the "
          "configuration, one after the other. Of a single find its facts are shown as well. The "
          "first Ctrl-C stops and shows what was found.",
      .example = "busbar discover bacnet\n"
                 "busbar discover bacnet 10.0.1.0/24 --low 2000 --high 2999\n"
                 "busbar discover snmp 10.0.4.0/24 10.0.5.10-20 --credentials plant,old\n"
                 "busbar discover opcua opc.tcp://10.0.3.5:48250\n"
                 "busbar discover mqtt mqtt://10.0.5.1 --wait 1m" },
    { .noun = "snmp",
      .verb = "walk",
      .args = "[DEVICE] [OBJECT]",
      .args_max = 2,
      .arg_kind = CLI_ARG_DEVICE,
      .run = cli_snmp_walk,
      .flags = snmp_walk_flags,
      .summary = "all values of an SNMP agent below an object, as they come",
      .details = "OBJECT is a name of a MIB or an object id; 1.3.6.1.2.1 without it. The gateway "
                 "asks, with the login of the device; nothing is written.",
      .example = "busbar snmp walk switch-1 ifTable\n"
                 "busbar snmp walk switch-1 IF-MIB::ifDescr --json\n"
                 "busbar snmp walk --host 10.0.4.2 --credentials plant system" },
    { .verb = "drivers",
      .args = "[PROTOCOL]",
      .args_max = 1,
      .arg_kind = CLI_ARG_PROTOCOL,
      .run = cli_drivers,
      .flags = drivers_flags,
      .looks = true,
      .summary = "how the protocols are doing: networks, registrations, what was dropped",
      .details = "Of protocols whose devices send by themselves (MQTT, HTTP, TCP) also what came, "
                 "from whom, and which messages were refused and why.",
      .example = "busbar drivers bacnet\nbusbar drivers mqtt --refused" },
    { .verb = "sim",
      .args = "SITE",
      .args_min = 1,
      .args_max = 1,
      .arg_kind = CLI_ARG_FILE,
      .run = cli_sim,
      .flags = sim_flags,
      .summary = "simulate the devices that a configuration names",
      .details =
          "Serves the same devices on the addresses in the configuration, with lively values "
          "and faults on demand.",
      .example = "busbar sim examples/site" },
    { .verb = "version", .args = "", .run = cli_version, .summary = "the version and its parts" },
    { .verb = "completion",
      .args = "SHELL",
      .args_min = 1,
      .args_max = 1,
      .run = cli_completion,
      .summary = "completion for bash, zsh or fish",
      .example = "busbar completion bash > /etc/bash_completion.d/busbar" },

    { .noun = "device",
      .verb = "list",
      .args = "[PATTERN]",
      .args_max = 1,
      .arg_kind = CLI_ARG_DEVICE,
      .run = cli_device_list,
      .looks = true,
      .flags = device_list_flags,
      .summary = "all devices with their link",
      .example = "busbar device list --down" },
    { .noun = "device",
      .verb = "show",
      .args = "DEVICE",
      .args_min = 1,
      .args_max = 1,
      .arg_kind = CLI_ARG_DEVICE,
      .run = cli_device_show,
      .looks = true,
      .summary = "facts, statistics and learned limits of a device",
      .example = "busbar device show meter-1" },
    { .noun = "device",
      .verb = "test",
      .args = "DEVICE",
      .args_min = 1,
      .args_max = 1,
      .arg_kind = CLI_ARG_DEVICE,
      .run = cli_device_test,
      .flags = device_test_flags,
      .summary = "find out step by step why a device does not answer",
      .details = "Exit code 6: no answer; 7: the device refused; 5: its name was not found.",
      .example = "busbar device test meter-1 --scan-units" },
    { .noun = "device",
      .verb = "frames",
      .args = "DEVICE",
      .args_min = 1,
      .args_max = 1,
      .arg_kind = CLI_ARG_DEVICE,
      .run = cli_device_frames,
      .looks = true,
      .flags = frames_flags,
      .summary = "the last frames to and from a device, in words",
      .example = "busbar device frames meter-1 --limit 10" },
    { .noun = "device",
      .verb = "browse",
      .args = "[DEVICE] [OBJECT]",
      .args_max = 2,
      .arg_kind = CLI_ARG_DEVICE,
      .run = cli_device_browse,
      .flags = browse_flags,
      .summary = "what a device itself tells about what it has, with values",
      .details = "With OBJECT: its properties. A + stands before what is proposed as a point. What "
                 "--yaml writes is a file for the configuration folder.",
      .example = "busbar device browse --find 1\n"
                 "busbar device browse --find 1 --yaml > /etc/busbar/ahu-1.yaml\n"
                 "busbar device browse ahu-1 analog-input:1\n"
                 "busbar device browse press-1 'nsu=urn:acme:press;s=Oil'" },
    { .noun = "device",
      .verb = "pause",
      .args = "DEVICE...",
      .args_min = 1,
      .args_max = CLI_ARGS_MAX,
      .arg_kind = CLI_ARG_DEVICE,
      .run = cli_device_pause,
      .summary = "stop polling a device until resumed or restarted",
      .example = "busbar device pause meter-1" },
    { .noun = "device",
      .verb = "resume",
      .args = "DEVICE...",
      .args_min = 1,
      .args_max = CLI_ARGS_MAX,
      .arg_kind = CLI_ARG_DEVICE,
      .run = cli_device_resume,
      .summary = "poll a paused device again",
      .example = "busbar device resume meter-1" },

    { .noun = "point",
      .verb = "list",
      .args = "[PATTERN...]",
      .args_max = CLI_ARGS_MAX,
      .arg_kind = CLI_ARG_POINT,
      .run = cli_point_list,
      .looks = true,
      .flags = point_list_flags,
      .summary = "points with value, quality and age",
      .example = "busbar point list 'meter-*/power'\n"
                 "busbar point list --bad --json=path,quality,reason,since" },
    { .noun = "point",
      .verb = "get",
      .args = "POINT...",
      .args_min = 1,
      .args_max = CLI_ARGS_MAX,
      .arg_kind = CLI_ARG_POINT,
      .run = cli_point_get,
      .looks = true,
      .flags = point_get_flags,
      .summary = "one point: its value and where it comes from",
      .example = "busbar point get meter-1/power\nbusbar point get ahu-1/sat-sp --priorities" },
    { .noun = "point",
      .verb = "watch",
      .args = "[PATTERN...]",
      .args_max = CLI_ARGS_MAX,
      .arg_kind = CLI_ARG_POINT,
      .run = cli_point_watch,
      .flags = watch_flags,
      .summary = "values as they change, until Ctrl-C",
      .example = "busbar point watch 'meter-1/*'" },
    { .noun = "point",
      .verb = "write",
      .args = "POINT VALUE",
      .args_min = 2,
      .args_max = 2,
      .arg_kind = CLI_ARG_POINT,
      .run = cli_point_write,
      .flags = point_write_flags,
      .summary = "write a value, then read it back",
      .details = "Asks before it writes unless --yes is given. Range and type are checked before "
                 "anything is sent. Exit code 6: no answer; 7: the device refused.",
      .example = "busbar point write ahu-1/sat-sp 22.5\n"
                 "busbar point write ahu-1/sat-sp 22.5 --priority 8 --for 2h" },
    { .noun = "point",
      .verb = "release",
      .args = "POINT",
      .args_min = 1,
      .args_max = 1,
      .arg_kind = CLI_ARG_POINT,
      .run = cli_point_release,
      .flags = priority_flags,
      .summary = "give up a value that was written at a priority",
      .details = "The device goes on with what the next priority says, in the end with its own "
                 "default. Exit code 6: no answer; 7: the device refused.",
      .example = "busbar point release ahu-1/sat-sp" },
    { .noun = "point",
      .verb = "extend",
      .args = "POINT",
      .args_min = 1,
      .args_max = 1,
      .arg_kind = CLI_ARG_POINT,
      .run = cli_point_extend,
      .flags = extend_flags,
      .summary = "give a value that is held by hand another end",
      .example = "busbar point extend ahu-1/sat-sp --for 4h" },
    { .noun = "point",
      .verb = "forget",
      .args = "POINT",
      .args_min = 1,
      .args_max = 1,
      .arg_kind = CLI_ARG_POINT,
      .run = cli_point_forget,
      .flags = priority_flags,
      .summary = "take a held value off the list, without a word to the device",
      .details = "For a device that is gone for good; else release it.",
      .example = "busbar point forget old-ahu/sat-sp --priority 8" },
    { .noun = "point",
      .verb = "history",
      .args = "POINT",
      .args_min = 1,
      .args_max = 1,
      .arg_kind = CLI_ARG_POINT,
      .run = cli_point_history,
      .flags = history_flags,
      .summary = "stored samples of a point",
      .example = "busbar point history meter-1/power --from -24h --buckets 24" },

    { .noun = "command",
      .verb = "list",
      .args = "[DEVICE]",
      .args_max = 1,
      .arg_kind = CLI_ARG_DEVICE,
      .run = cli_command_list,
      .looks = true,
      .summary = "what devices can be told to do, and the arguments it takes",
      .example = "busbar command list press-1" },
    { .noun = "command",
      .verb = "run",
      .args = "DEVICE/COMMAND [ARGUMENT...]",
      .args_min = 1,
      .args_max = CLI_ARGS_MAX,
      .run = cli_command_run,
      .summary = "run a command of a device, once",
      .details = "Asks first where the command says `confirm`, unless --yes is given. Arguments in "
                 "the order of `busbar command list`; an array as JSON: '[1, 2]'. After -- an "
                 "argument may begin with a -. Exit code 6: no answer; 7: the device refused.",
      .example = "busbar command run press-1/reset\n"
                 "busbar command run press-1/start 5 'left side' --yes" },

    { .noun = "certificate",
      .verb = "list",
      .args = "",
      .run = cli_certificate_list,
      .looks = true,
      .flags = certificate_list_flags,
      .summary = "certificates: refused ones first, our own, trusted ones",
      .example = "busbar certificate list --list refused" },
    { .noun = "certificate",
      .verb = "show",
      .args = "FINGERPRINT|DEVICE",
      .args_min = 1,
      .args_max = 1,
      .arg_kind = CLI_ARG_CERTIFICATE,
      .run = cli_certificate_show,
      .looks = true,
      .flags = certificate_show_flags,
      .summary = "one certificate with its whole fingerprint, and why it was refused",
      .details =
          "The first 8 characters of the fingerprint or more; or a device: the certificate that it "
          "was refused for.",
      .example = "busbar certificate show 3f2a9c0d\n"
                 "busbar certificate show 3f2a9c0d --der > busbar.der" },
    { .noun = "certificate",
      .verb = "trust",
      .args = "FINGERPRINT|DEVICE",
      .args_min = 1,
      .args_max = 1,
      .arg_kind = CLI_ARG_CERTIFICATE,
      .run = cli_certificate_trust,
      .summary = "trust one that was refused; its devices are asked again at once",
      .details = "Shows it and asks, unless --yes is given. Compare the fingerprint with what the "
                 "device itself shows.",
      .example = "busbar certificate trust press-1\n"
                 "busbar certificate trust 3f2a9c0d1e2f4a5b --yes" },
    { .noun = "certificate",
      .verb = "remove",
      .args = "FINGERPRINT|DEVICE",
      .args_min = 1,
      .args_max = 1,
      .arg_kind = CLI_ARG_CERTIFICATE,
      .run = cli_certificate_remove,
      .summary = "trust one no more, or forget one that was refused",
      .example = "busbar certificate remove 3f2a9c0d1e2f4a5b --yes" },
    { .noun = "certificate",
      .verb = "import",
      .args = "FILE",
      .args_min = 1,
      .args_max = 1,
      .arg_kind = CLI_ARG_FILE,
      .run = cli_certificate_import,
      .flags = certificate_import_flags,
      .summary = "trust what a file holds (PEM or DER), or keep the list of an authority",
      .example = "busbar certificate import plant-ca.pem\n"
                 "busbar certificate import root.pem --issuer" },
    { .noun = "certificate",
      .verb = "renew",
      .args = "[PROTOCOL]",
      .args_max = 1,
      .run = cli_certificate_renew,
      .summary = "a new key and certificate of our own; the old ones stay beside as *.old",
      .example = "busbar certificate renew opcua" },
    { .noun = "connector",
      .verb = "list",
      .args = "",
      .run = cli_connector_list,
      .looks = true,
      .summary = "connectors, by which devices post, and when they last did",
      .example = "busbar connector list" },
    { .noun = "connector",
      .verb = "show",
      .args = "CONNECTOR",
      .args_min = 1,
      .args_max = 1,
      .run = cli_connector_show,
      .looks = true,
      .summary = "one connector with its settings and keys",
      .example = "busbar connector show meters" },
    { .noun = "connector",
      .verb = "key",
      .args = "add|list|remove [CONNECTOR] [KEY]",
      .args_min = 1,
      .args_max = 3,
      .run = cli_connector_key,
      .flags = connector_key_flags,
      .summary = "make a key for devices, list them, remove one",
      .details = "A new key is written once, to the standard output, and kept only as a hash. "
                 "Several keys of a connector are good at the same time: add the new one, give it "
                 "to the devices, and remove the old one when `list` shows that it is not used any "
                 "more.",
      .example = "busbar connector key add meters --label 'pv roof'\n"
                 "busbar connector key list meters\n"
                 "busbar connector key remove meters 3f9a1c2b --yes" },

    { .noun = "sink",
      .verb = "list",
      .args = "",
      .run = cli_sink_list,
      .looks = true,
      .summary = "where samples are published, and how far each sink is",
      .details = "WAITING is what the durable log has for a sink and has not sent; LAG is the age "
                 "of the oldest of it. ASIDE are rows that the target refused for good; RELEASED "
                 "is what a quota let go unpublished.",
      .example = "busbar sink list --watch\nbusbar sink list --json=name,phase,lag_s,waiting" },
    { .noun = "sink",
      .verb = "show",
      .args = "SINK",
      .args_min = 1,
      .args_max = 1,
      .arg_kind = CLI_ARG_SINK,
      .run = cli_sink_show,
      .looks = true,
      .summary = "one sink: phase, counts, quota, last error and what to do, ledger",
      .example = "busbar sink show plant" },
    { .noun = "sink",
      .verb = "test",
      .args = "SINK",
      .args_min = 1,
      .args_max = 1,
      .arg_kind = CLI_ARG_SINK,
      .run = cli_sink_test,
      .flags = sink_files_flags,
      .summary = "look at all that may be wrong between here and the target",
      .details = "Address, TLS, login, version, schema, rights, clock, each with what to do. "
                 "Changes nothing. Exit code 3 when something is bad.",
      .example = "busbar sink test plant\nbusbar sink test plant --config /etc/busbar" },
    { .noun = "sink",
      .verb = "sql",
      .args = "SINK",
      .args_min = 1,
      .args_max = 1,
      .arg_kind = CLI_ARG_SINK,
      .run = cli_sink_sql,
      .flags = sink_files_flags,
      .summary = "SQL that a person runs at the database: role, rights, schema",
      .example = "busbar sink sql plant --config /etc/busbar | psql -d plant" },
    { .noun = "sink",
      .verb = "pause",
      .args = "SINK",
      .args_min = 1,
      .args_max = 1,
      .arg_kind = CLI_ARG_SINK,
      .run = cli_sink_pause,
      .summary = "publish nothing until resumed, over restarts too; what comes waits",
      .example = "busbar sink pause plant" },
    { .noun = "sink",
      .verb = "resume",
      .args = "SINK",
      .args_min = 1,
      .args_max = 1,
      .arg_kind = CLI_ARG_SINK,
      .run = cli_sink_resume,
      .summary = "publish again, first what waited",
      .example = "busbar sink resume plant" },
    { .noun = "sink",
      .verb = "try",
      .args = "SINK",
      .args_min = 1,
      .args_max = 1,
      .arg_kind = CLI_ARG_SINK,
      .run = cli_sink_try,
      .summary = "try now in place of waiting for the next try",
      .example = "busbar sink try plant" },
    { .noun = "sink",
      .verb = "aside",
      .args = "SINK",
      .args_min = 1,
      .args_max = 1,
      .arg_kind = CLI_ARG_SINK,
      .run = cli_sink_aside,
      .looks = true,
      .flags = sink_aside_flags,
      .summary = "what the target refused for good, newest first, with the reason",
      .example = "busbar sink aside plant --csv" },
    { .noun = "sink",
      .verb = "retry",
      .args = "SINK [ID]",
      .args_min = 1,
      .args_max = 2,
      .arg_kind = CLI_ARG_SINK,
      .run = cli_sink_retry,
      .summary = "send again what is set aside, or one of it",
      .details = "What is refused again stays aside: exit code 8.",
      .example = "busbar sink retry plant\nbusbar sink retry plant 17" },
    { .noun = "sink",
      .verb = "drop",
      .args = "SINK [ID]",
      .args_min = 1,
      .args_max = 2,
      .arg_kind = CLI_ARG_SINK,
      .run = cli_sink_drop,
      .summary = "forget what is set aside, or one of it; it counts as released",
      .details = "Asks first, unless --yes is given. The samples stay in the history here.",
      .example = "busbar sink drop plant 17" },
    { .noun = "sink",
      .verb = "resend",
      .args = "SINK",
      .args_min = 1,
      .args_max = 1,
      .arg_kind = CLI_ARG_SINK,
      .run = cli_sink_resend,
      .flags = sink_resend_flags,
      .summary = "send samples of history, such as those that a quota let go",
      .details = "What the target has already is not there twice afterwards.",
      .example = "busbar sink resend plant --from 2026-11-20T00:00:00Z --to 2026-11-21T00:00:00Z\n"
                 "busbar sink resend plant --from -7d --points 'meter-*/*'" },

    { .noun = "event",
      .verb = "list",
      .args = "[SOURCE]",
      .args_max = 1,
      .arg_kind = CLI_ARG_DEVICE,
      .run = cli_event_list,
      .looks = true,
      .flags = event_list_flags,
      .summary = "what devices reported, the newest first",
      .example = "busbar event list --unacked\n"
                 "busbar event list 'ahu-*' --from -24h --severity high --csv" },
    { .noun = "event",
      .verb = "watch",
      .args = "[SOURCE]",
      .args_max = 1,
      .arg_kind = CLI_ARG_DEVICE,
      .run = cli_event_watch,
      .flags = event_watch_flags,
      .summary = "events as they come, until Ctrl-C",
      .example = "busbar event watch --severity medium" },
    { .noun = "event",
      .verb = "show",
      .args = "ID",
      .args_min = 1,
      .args_max = 1,
      .run = cli_event_show,
      .looks = true,
      .summary = "one event with all that came with it",
      .example = "busbar event show 17" },
    { .noun = "event",
      .verb = "ack",
      .args = "ID...",
      .args_min = 1,
      .args_max = CLI_ARGS_MAX,
      .run = cli_event_ack,
      .flags = event_ack_flags,
      .summary = "acknowledge events in the devices that sent them",
      .details = "Exit code 6: no answer; 7: the device refused; then it can be tried again.",
      .example = "busbar event ack 17 --note 'filter changed'" },

    { .noun = "history",
      .verb = "delete",
      .args = "MATCHER",
      .args_min = 1,
      .args_max = 1,
      .run = cli_history_delete,
      .flags = delete_flags,
      .summary = "delete the samples of all series that match",
      .details = "Says how many series and samples there are and asks, unless --yes is given; with "
                 "--dry-run it only says. Without --from and --to the series themselves go too, "
                 "but those of configured points. There is no way back but a backup.",
      .example = "busbar history delete '{device=\"meter-7\"}' --to -30d\n"
                 "busbar history delete 'power{device=~\"test-.*\"}' --dry-run" },

    { .noun = "history",
      .verb = "verify",
      .args = "",
      .run = cli_history_verify,
      .flags = folder_flags,
      .summary = "read every byte that is kept and check every checksum",
      .details = "Log, blocks, series file and catalog must agree. The running gateway does it in "
                 "the background; with --data a folder is checked here. Exit code 3 when "
                 "something is damaged or missing.",
      .example = "busbar history verify\nbusbar history verify --data /var/lib/busbar" },
    { .noun = "history",
      .verb = "export",
      .args = "[SERIES]",
      .args_max = 1,
      .run = cli_history_export,
      .flags = export_flags,
      .summary = "samples with all they have, as JSON lines or --csv",
      .details = "SERIES is a selector as in PromQL; all series without it. What is written can be "
                 "read by `busbar history import` without any loss.",
      .example =
          "busbar history export 'temperature{device=\"ahu-1\"}' --start -7d -o week.jsonl" },
    { .noun = "history",
      .verb = "import",
      .args = "[FILE]",
      .args_max = 1,
      .arg_kind = CLI_ARG_FILE,
      .run = cli_history_import,
      .flags = history_import_flags,
      .summary = "read back what export wrote (- is stdin), or what a sink keeps",
      .details = "The name of a CSV file ends in .csv, or say --csv. Importing again changes "
                 "nothing. Lines that are wrong are told and left out: exit code 8. With --from "
                 "postgresql the gateway reads chunks and rows of a site back by their labels; "
                 "what is here already stays as it is; --dry-run only counts.",
      .example = "busbar history import week.jsonl\n"
                 "busbar history import --from postgresql --sink plant --dry-run" },
    { .noun = "history",
      .verb = "backup",
      .args = "FOLDER",
      .args_min = 1,
      .args_max = 1,
      .run = cli_history_backup,
      .flags = backup_flags,
      .summary = "write a consistent, checked backup into a new folder, while all goes on",
      .details = "State, history, configuration and its versions; secrets only when asked for.",
      .example = "busbar history backup /mnt/backup/monday" },
    { .noun = "history",
      .verb = "compact",
      .args = "",
      .run = cli_history_compact,
      .flags = compact_flags,
      .summary = "merge what came since the last night by day, now",
      .details = "Happens by itself an hour after midnight UTC; old days are recoded when idle.",
      .example = "busbar history compact --cold" },
    { .noun = "history",
      .verb = "restore",
      .args = "FOLDER",
      .args_min = 1,
      .args_max = 1,
      .arg_kind = CLI_ARG_FILE,
      .run = cli_history_restore,
      .flags = restore_flags,
      .summary = "make a data folder from a backup; the gateway must not run",
      .details = "The backup is read and checked whole before anything is moved.",
      .example = "busbar history restore /mnt/backup/monday --data /var/lib/busbar --replace" },

    { .noun = "config",
      .verb = "check",
      .args = "[PATH]",
      .args_max = 1,
      .arg_kind = CLI_ARG_FILE,
      .run = cli_config_check,
      .looks = true,
      .flags = data_flags,
      .summary = "every mistake in the files, with its place and a hint",
      .details = "With PATH the files are checked here, no gateway is needed; else the running "
                 "gateway checks its own files. Exit code 3 when there are errors.",
      .example = "busbar config check site.yaml" },
    { .noun = "config",
      .verb = "diff",
      .args = "",
      .run = cli_config_diff,
      .looks = true,
      .summary = "what differs between the files and the running configuration",
      .details = "Exit code 1 when they differ.",
      .example = "busbar config diff" },
    { .noun = "config",
      .verb = "apply",
      .args = "",
      .run = cli_config_apply,
      .summary = "make the files the running configuration",
      .details = "Devices that did not change keep polling. A wrong configuration changes nothing.",
      .example = "busbar config apply --dry-run" },
    { .noun = "config",
      .verb = "history",
      .args = "",
      .run = cli_config_history,
      .looks = true,
      .summary = "applied versions",
      .example = "busbar config history" },
    { .noun = "config",
      .verb = "rollback",
      .args = "VERSION",
      .args_min = 1,
      .args_max = 1,
      .run = cli_config_rollback,
      .summary = "bring an earlier version back, files included",
      .example = "busbar config rollback 17" },

    { .noun = "payload",
      .verb = "test",
      .args = "DEVICE|RULE...",
      .args_min = 1,
      .args_max = CLI_ARGS_MAX,
      .arg_kind = CLI_ARG_DEVICE,
      .run = cli_payload_test,
      .flags = payload_flags,
      .summary = "what each rule takes out of a message, or why not",
      .details =
          "Rules are written as in a configuration and need no gateway; those of a device are "
          "asked of it. Nothing is stored. Exit code 3 when a rule finds something wrong, or "
          "the message cannot be read.",
      .example = "busbar payload test 'json: $.co2' --message '{\"co2\": 640}'\n"
                 "busbar payload test '{ match: \"^T=(.*)$\", type: number }' --message T=21.5\n"
                 "busbar payload test room-12 --last" },
    { .noun = "secret",
      .verb = "set",
      .args = "NAME",
      .args_min = 1,
      .args_max = 1,
      .run = cli_secret_set,
      .flags = data_flags,
      .summary = "keep a secret; its value is read from a prompt or stdin",
      .example = "busbar secret set meter-key < key.txt" },
    { .noun = "secret",
      .verb = "list",
      .args = "",
      .run = cli_secret_list,
      .flags = data_flags,
      .summary = "names of the secrets kept, never their values" },
    { .noun = "secret",
      .verb = "remove",
      .args = "NAME",
      .args_min = 1,
      .args_max = 1,
      .run = cli_secret_remove,
      .flags = data_flags,
      .summary = "forget a secret" },

    { .noun = "snmp",
      .verb = "translate",
      .args = "NAME|OID...",
      .args_min = 1,
      .args_max = CLI_ARGS_MAX,
      .run = cli_snmp_translate,
      .flags = translate_flags,
      .summary = "the OID of a name, the name of an OID, and what it means",
      .details =
          "Needs no gateway and no network. Standard modules are known; --mibs adds those of "
          "a folder, which are compiled once and kept in the cache of the user.",
      .example = "busbar snmp translate IF-MIB::ifOperStatus.7\n"
                 "busbar snmp translate 1.3.6.1.2.1.33.1.2.4.0 --json\n"
                 "busbar snmp translate upsBatteryVoltage --mibs /etc/busbar/mibs" },
    { .noun = "snmp",
      .verb = "mibs",
      .args = "[FOLDER]",
      .args_max = 1,
      .arg_kind = CLI_ARG_FILE,
      .run = cli_snmp_mibs,
      .summary = "the MIB modules in a folder and what is wrong with them",
      .details = "Without a folder, the modules that busbar knows by itself. Exit code 3 when "
                 "something is wrong; the rest of the modules can be used all the same.",
      .example = "busbar snmp mibs\nbusbar snmp mibs /etc/busbar/mibs" },
    { 0 },
};

/* For the shell's completion, the packaging and the gateway itself; not in the help. */
static const struct cli_command hidden[] = {
    { .verb = "compile-mibs",
      .args = "",
      .run = cli_compile_mibs,
      .summary = "the process that compiles MIB modules" },
    { .verb = "complete-words",
      .args = "WORD...",
      .args_max = CLI_ARGS_MAX,
      .run = cli_complete,
      .summary = "what may come next on the command line" },
    { .verb = "man-page",
      .args = "[NOUN]",
      .args_max = 1,
      .run = cli_man,
      .summary = "a manual page in roff" },
    { 0 },
};

const struct cli_command *cli_commands(void)
{
    return commands;
}

const struct cli_flag *cli_global_flags(void)
{
    return global_flags;
}

static const struct cli_command *find_in(const struct cli_command *rows, const char *noun,
                                         const char *verb)
{
    for (const struct cli_command *row = rows; row->verb != NULL; row++) {
        if (str_equal(row->noun, noun) && strcmp(row->verb, verb) == 0) {
            return row;
        }
    }
    return NULL;
}

const struct cli_command *cli_find(const char *noun, const char *verb)
{
    const struct cli_command *row = find_in(commands, noun, verb);
    return row != NULL ? row : find_in(hidden, noun, verb);
}
