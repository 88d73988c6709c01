// SPDX-License-Identifier: Apache-2.0
#include "connectors/sqlite_job_rows.hpp"

#include <array>
#include <string>

#include "connectors/sqlite_request_rows.hpp"

namespace alluvium::connectors {
namespace {

using pipeline::CancelState;
using pipeline::JobPhase;

constexpr std::array phases{JobPhase::submitting, JobPhase::running, JobPhase::ended, JobPhase::failed,
                            JobPhase::canceled};
constexpr std::array cancels{CancelState::no, CancelState::wanted, CancelState::told};

}  // namespace

pipeline::StoredJob read_job(Statement& row) {
  return {.id = row.integer(0),
          .endpoint = std::string{row.text(1)},
          .model = std::string{row.text(2)},
          .tag = std::string{row.text(3)},
          .provider_id = std::string{row.text(4)},
          .rejected = std::string{row.text(5)},
          .phase = named(phases, row.text(6)),
          .cancel = named(cancels, row.text(7)),
          .unsure = row.integer(8) != 0,
          .by_looks = row.integer(9) != 0,
          .requests = row.integer(10),
          .attempts = row.integer(11),
          .due_ms = row.integer(12),
          .created_ms = row.integer(13),
          .submitted_ms = row.integer(14),
          .polled_ms = row.integer(15),
          .ended_ms = row.integer(16),
          .detail = std::string{row.text(17)}};
}

}  // namespace alluvium::connectors
