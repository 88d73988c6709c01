// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "config/key_tables.hpp"

namespace alluvium::config {
namespace {

using actors::EngineOptions;
using connectors::SqliteStoreOptions;

constexpr std::string_view sqlite_only = "this version stores in SQLite only";

constexpr std::array table{
    Key{.path = "dedupe", .kind = Kind::section, .doc = "Which memories of an agent are the same."},
    Key{.path = "dedupe.near",
        .kind = Kind::flag,
        .doc = "Also those that say the same in nearly the same words; never opposites. See dedupe.md.",
        .slot = at<&Config::sqlite, &SqliteStoreOptions::near_dedupe>},
    Key{.path = "dedupe.adjudicate",
        .kind = Kind::flag,
        .doc = "The small tier's model is asked about memories that are much alike: the same, an update, or different. "
               "Wants dedupe.near and the small tier.",
        .slot = at<&Config::sqlite, &SqliteStoreOptions::adjudicate>},
    Key{.path = "sink", .kind = Kind::section, .doc = "Where memories go."},
    Key{.path = "sink.sqlite", .kind = Kind::section, .doc = "One SQLite file, with the ledger in it."},
    Key{.path = "sink.sqlite.path",
        .kind = Kind::text,
        .doc = "The file, as seen from the working directory. It is made if it is missing.",
        .slot = at<&Config::sqlite, &SqliteStoreOptions::path>,
        .required = true},
    Key{.path = "sink.sqlite.busy_timeout",
        .kind = Kind::duration,
        .doc = "How long to wait for another process that holds the file's lock.",
        .slot = at<&Config::sqlite, &SqliteStoreOptions::busy_timeout>,
        .min = 0,
        .max = 10 * minute},
    Key{.path = "sink.postgres", .kind = Kind::later, .doc = "A PostgreSQL database.", .note = sqlite_only},
    Key{.path = "sink.kafka", .kind = Kind::later, .doc = "A Kafka topic.", .note = sqlite_only},
    Key{.path = "dead_letters",
        .kind = Kind::section,
        .doc = "Messages that could not be processed. They are always in the store."},
    Key{.path = "dead_letters.topic",
        .kind = Kind::text,
        .doc = "A topic to send them to as well. Without effect yet.",
        .slot = at<&Config::dead_letters_topic>,
        .example = "chat.messages.dead",
        .note = "not forwarded in this version; they are in the store"},
    Key{.path = "memory", .kind = Kind::section, .doc = "What the process may use."},
    Key{.path = "memory.limit",
        .kind = Kind::size,
        .doc = "Resident memory. A quarter of it, a third of what is beyond 40MiB and 4GiB at most may be messages "
               "between source and "
               "store. From 70 % of it, or of the control group's limit, on the engine slows down.",
        .slot = at<&Config::memory_limit_bytes>,
        .min = 64 * mib,
        .max = 1024 * gib},
    Key{.path = "memory.cgroup",
        .kind = Kind::text,
        .doc = "Folder of the control group to watch, v1 or v2. If not given: the one that the process is in.",
        .slot = at<&Config::memory_cgroup>,
        .example = "/sys/fs/cgroup"},
    Key{.path = "engine", .kind = Kind::section, .doc = "How the work is shared out."},
    Key{.path = "engine.workers",
        .kind = Kind::count,
        .doc = "Batches extracted at the same time. 0: one per core.",
        .slot = at<&Config::engine, &EngineOptions::workers>,
        .min = 0,
        .max = 256},
    Key{.path = "engine.commit_interval",
        .kind = Kind::duration,
        .doc = "Between two transactions, unless there is enough for one. While each takes long, up to four times that "
               "or a second.",
        .slot = at<&Config::engine, &EngineOptions::commit_interval>,
        .min = 1,
        .max = 10'000},
    Key{.path = "engine.commit_batches",
        .kind = Kind::count,
        .doc = "Batches in one transaction at most.",
        .slot = at<&Config::engine, &EngineOptions::commit_batches_max>,
        .min = 1,
        .max = 100'000},
    Key{.path = "engine.model_requests",
        .kind = Kind::count,
        .doc = "Requests to models that are stored and not answered yet; beyond, reading slows down.",
        .slot = at<&Config::engine, &EngineOptions::model_requests_max>,
        .min = 1,
        .max = 1'000'000},
    Key{.path = "http", .kind = Kind::section, .doc = "Health and metrics. Without effect yet."},
    Key{.path = "http.listen",
        .kind = Kind::text,
        .doc = "Address and port. Off if not given.",
        .slot = at<&Config::http_listen>,
        .example = "127.0.0.1:5001",
        .note = "no HTTP in this version"},
    Key{.path = "log", .kind = Kind::section, .doc = "What goes to stderr."},
    Key{.path = "log.level",
        .kind = Kind::text,
        .doc = "How much.",
        .slot = at<&Config::log, &LogOptions::level>,
        .choices = "trace|debug|info|warn|error|off"},
    Key{.path = "log.format",
        .kind = Kind::text,
        .doc = "Lines for people, or one JSON object per line.",
        .slot = at<&Config::log, &LogOptions::format>,
        .choices = "text|json"},
};

}  // namespace

std::span<const Key> output_keys() {
  return table;
}

}  // namespace alluvium::config
