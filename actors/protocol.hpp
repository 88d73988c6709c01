// SPDX-License-Identifier: Apache-2.0
// Every message that crosses a mailbox, and every actor's interface. Read this file first.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/intrusive_ptr.hpp>
#include <caf/ref_counted.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/handover.hpp"
#include "pipeline/batch_policy.hpp"
#include "pipeline/credit.hpp"
#include "pipeline/memory.hpp"
#include "pipeline/model_reply.hpp"
#include "pipeline/partition_claim.hpp"
#include "pipeline/ports.hpp"
#include "pipeline/prefetch.hpp"

namespace alluvium::actors {

using pipeline::ClaimPtr;
using pipeline::PartitionClaim;

/// What was read in one round, grouped by agent: `order` lists entries of `messages`, an agent's in a row.
struct RoutedChunk final : caf::ref_counted {
  pipeline::MessageChunk messages;
  std::vector<std::uint32_t> order;
  pipeline::Charge charge;

  /// That many slices of it will be made: each takes a reference over, where a count of its own would have the threads
  /// that make slices and those that drop them wait for each other.
  void share(std::size_t slices) const {
    rc_.fetch_add(slices, std::memory_order_relaxed);
  }
  /// The message at `place` of `order`. Those behind it are asked for: they are next, if for another buffer.
  [[nodiscard]] const pipeline::MessageChunk::Entry& read(std::uint32_t place) const {
    const auto& entries = messages.entries();
    if (place + 8 < order.size()) {
      pipeline::prefetch(&entries[order[place + 8]]);
      entries[order[place + 4]].fetch_ahead();
    }
    return entries[order[place]];
  }
};

using RoutedChunkPtr = caf::intrusive_ptr<RoutedChunk>;

/// One agent's part of a chunk: order[begin, end).
struct Slice {
  caf::intrusive_ptr<const RoutedChunk> chunk;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

/// A batch on its way to be extracted. Its bytes stay charged until it is committed or dropped.
struct Work {
  ClaimPtr claim;
  pipeline::Batch batch;
  pipeline::Charge charge;
};
/// Buffers put, the extractor whose desk it is takes.
using Works = std::shared_ptr<Handover<Work>>;

struct Extracted {
  ClaimPtr claim;
  pipeline::ExtractedBatch batch;
  pipeline::Charge charge;
  pipeline::Charge results;  ///< Of its memories, which can be many times its messages.
};
/// Extractors put, the writer takes.
using Extracts = std::shared_ptr<Handover<Extracted>>;

/// What the source's thread settles by itself: no message to extract, but offsets to account for.
struct Settled {
  ClaimPtr claim;
  std::vector<pipeline::DeadLetter> dead_letters;
  std::vector<pipeline::Gap> gaps;
  std::vector<pipeline::SelectorState> selectors;
  pipeline::Charge charge;
};
using SettledPtr = std::shared_ptr<Settled>;

/// A model's reply to a request.
struct Called {
  std::int64_t request = 0;
  std::shared_ptr<const pipeline::ModelReply> reply;
};

struct ClaimCommand {
  ClaimPtr claim;
  pipeline::ClaimRequest request;
};
/// Commit what is there, then forget these partitions.
struct ReleaseCommand {
  std::vector<pipeline::PartitionSlot> slots;
};

using Flush = caf::atom_constant<caf::atom("flush")>;      ///< Hand on what is pending, now.
using Tick = caf::atom_constant<caf::atom("tick")>;        ///< Look at the clock.
using Finish = caf::atom_constant<caf::atom("finish")>;    ///< Commit everything; say how far the ledger is.
using Gather = caf::atom_constant<caf::atom("gather")>;    ///< Queue what is gathered: nothing more will come.
using Arrived = caf::atom_constant<caf::atom("arrived")>;  ///< Something was put into a Handover.
using Launch = caf::atom_constant<caf::atom("launch")>;
using Crashed = caf::atom_constant<caf::atom("crashed")>;

/// Collects one agent's messages of one partition and hands them on as batches. Ends when empty.
using AgentBuffer = caf::typed_actor<caf::reacts_to<Slice>, caf::reacts_to<Flush>, caf::reacts_to<Tick>>;

/// Runs rules and filters over batches. An agent's batches always go to the same one, so they reach
/// the writer in order. Arrived: there is work again. Tick: go on with what is left, or see whether there is room now.
using Extractor = caf::typed_actor<caf::reacts_to<Arrived>, caf::reacts_to<Tick>>;

/// The only one that writes to the store. Arrived: there are batches again, or enough for a commit. Tick: commit what
/// waits, or try again what failed.
using Writer = caf::typed_actor<caf::reacts_to<Arrived>, caf::reacts_to<SettledPtr>, caf::reacts_to<ClaimCommand>,
                                caf::reacts_to<ReleaseCommand>, caf::reacts_to<Finish>, caf::reacts_to<Gather>,
                                caf::reacts_to<Tick>>;

/// Asks models. Flush: there are new requests. Tick: see what there is to send, or try again what the store could not
/// take.
using Caller = caf::typed_actor<caf::reacts_to<Called>, caf::reacts_to<Flush>, caf::reacts_to<Tick>>;

/// Sees to providers' batch jobs. Tick: another round.
using CourierActor = caf::typed_actor<caf::reacts_to<Tick>>;

/// Builds the stage (extractors and writer), watches it, and builds it anew when any of it crashes.
using Supervisor = caf::typed_actor<caf::reacts_to<Launch>, caf::reacts_to<Crashed, std::string>>;

/// Everything between the source and the store. Replaced as a whole.
struct Stage {
  /// An extractor, and where its work is put. Ends with the stage: whoever still has it puts work where nobody looks.
  struct Desk {
    Extractor extractor;
    Works works;
  };
  std::vector<Desk> desks;
  Writer writer;
  Caller caller;         ///< Null if no model tier is on.
  CourierActor courier;  ///< Null if no tier has batch jobs here.
};

}  // namespace alluvium::actors

// One process: these never go over a wire.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(alluvium::actors::Slice)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(alluvium::actors::SettledPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(alluvium::actors::ClaimCommand)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(alluvium::actors::ReleaseCommand)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(alluvium::actors::Called)
