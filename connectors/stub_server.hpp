// SPDX-License-Identifier: Apache-2.0
// The simulated model server: no model behind it. A thread per connection; faults as scripted (stub_faults.hpp).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "connectors/stub_service.hpp"
#include "pipeline/error.hpp"

namespace alluvium::connectors {

/// Connections at once; more wait to be accepted.
inline constexpr std::size_t stub_connections_max = 512;

struct StubServerOptions {
  std::string listen = "127.0.0.1";  ///< An address, no name.
  std::uint16_t port = 8089;         ///< 0: one that is free.
  std::string tls_cert, tls_key;     ///< PEM; both or none.
  StubServiceOptions service;
};

class StubServer {
 public:
  /// Listens when it returns. `invalid_config` for options that can't be, `unavailable` for a port that is taken.
  [[nodiscard]] static pipeline::Result<std::unique_ptr<StubServer>> start(StubServerOptions options);
  /// Ends every connection, whatever it is at, and waits for the threads.
  virtual ~StubServer() = default;
  /// http://127.0.0.1:8089
  [[nodiscard]] virtual std::string url() const = 0;
};

}  // namespace alluvium::connectors
