// SPDX-License-Identifier: Apache-2.0
// alluvium stub-model: a simulated model server, to try the model tiers without a key, and to test them.
#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "app/commands.hpp"
#include "app/engine_run.hpp"
#include "app/output.hpp"
#include "connectors/stub_server.hpp"

namespace alluvium::app {
namespace {

struct StubOptions {
  connectors::StubServerOptions server;
  std::string faults_path;
};

pipeline::Result<connectors::StubScript> read_script(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) {
    return pipeline::fail(pipeline::Errc::invalid_config, path + ": can't be read");
  }
  std::string text(connectors::stub_script_bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return connectors::StubScript::read(text);
}

/// Blocked before any thread is there, so that all have it so. SIGPIPE: a client that went away is no failure.
sigset_t hold_endings() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigset_t blocked = signals;
  sigaddset(&blocked, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  return signals;
}

int serve(StubOptions options) {
  const auto endings = hold_endings();
  if (!options.faults_path.empty()) {
    auto script = read_script(options.faults_path);
    if (!script) {
      return report(script.error());
    }
    options.server.service.script = std::move(*script);
  }
  options.server.service.clock = utc_ms;
  const auto server = connectors::StubServer::start(std::move(options.server));
  if (!server) {
    return report(server.error());
  }
  print("alluvium stub-model: a SIMULATION of a model server, no model behind it, listening on " + (*server)->url() +
        "\n");
  if (finish_output(done) != done) {
    return work_failed;
  }
  int signal = 0;
  sigwait(&endings, &signal);
  return done;
}

}  // namespace

void add_stub_model(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand(
      "stub-model", "A simulated model server (OpenAI and Anthropic APIs, no model behind it), to try the tiers");
  const auto options = std::make_shared<StubOptions>();
  auto& server = options->server;
  auto& service = server.service;
  command->add_option("--port", server.port, "0: one that is free")->capture_default_str();
  command->add_option("--listen", server.listen, "Address")->capture_default_str();
  command->add_option("--faults", options->faults_path, "Script of faults (JSON); POST /faults replaces it");
  command->add_option("--log", service.log_path, "Append one JSON line per call to this file");
  command->add_option("--latency", service.latency_ms, "Milliseconds before each answer")
      ->check(CLI::Range(std::int64_t{0}, connectors::stub_wait_ms_max));
  command->add_option("--batch-polls", service.batches.polls, "Batch jobs have ended when asked for the n-th time")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command->add_option("--batch-limit", service.batches.requests_max, "Requests a batch job takes (as the provider)");
  command->add_option("--api-key", service.api_key, "Calls without it get a 401 (default: any key, or none)");
  command->add_option("--tls-cert", server.tls_cert, "Serve HTTPS: certificate chain (PEM)");
  command->add_option("--tls-key", server.tls_key, "Its key (PEM)");
  command->add_flag("--ignore-max-tokens", service.batches.ignore_max_tokens,
                    "Never shorten or cut an answer that is longer than the call allows");
  command->callback([options, &exit_code] { exit_code = serve(std::move(*options)); });
}

}  // namespace alluvium::app
