// SPDX-License-Identifier: Apache-2.0
// The engine: all actors, spawned, joined and ended. The way of a message reads from the source file.
#pragma once

#include <memory>

#include "actors/options.hpp"
#include "pipeline/metrics.hpp"
#include "pipeline/model_ports.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::actors {

/// From a source to a store. `source`, `store`, `requests`, the options' models and `metrics` outlive it.
class Engine {
 public:
  /// Fails with `invalid_config` if the options contradict each other. `requests`: the store's requests to models; null
  /// if no tier is on.
  [[nodiscard]] static pipeline::Result<std::unique_ptr<Engine>> make(EngineOptions options, pipeline::Source& source,
                                                                      pipeline::Store& store,
                                                                      pipeline::Metrics& metrics,
                                                                      pipeline::WallClock clock,
                                                                      pipeline::RequestStore* requests = nullptr);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Reads on the calling thread until the stream's end is committed (`until_end`), until stop() has
  /// drained, or until it fails. Call once.
  [[nodiscard]] pipeline::Result<void> run();
  /// Any thread: reads no more, flushes and commits what it holds; run() then returns.
  void stop();
  /// Any thread: ends an extractor, or else the writer, as a crash would. For tests and drills.
  void crash_extractor();
  void crash_writer();
  void crash_caller();
  /// The same for a buffer with messages in it; only on the thread that run() is on.
  void crash_buffer();

 private:
  struct Parts;
  explicit Engine(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace alluvium::actors
