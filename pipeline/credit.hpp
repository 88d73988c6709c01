// SPDX-License-Identifier: Apache-2.0
// How many bytes of messages the engine may hold between the source and the commit.
#pragma once

#include <cassert>
#include <cstdint>
#include <utility>

#include "pipeline/striped_sum.hpp"

namespace alluvium::pipeline {

/// Counted on every thread; the source reads only while some is left. A poll may overshoot the
/// limit by what it brings at most (Engine: 4 MiB), never by more.
class Credit {
 public:
  explicit Credit(std::int64_t limit_bytes) : limit_{limit_bytes} {}

  [[nodiscard]] std::int64_t limit() const {
    return limit_;
  }
  [[nodiscard]] std::int64_t held() const {
    return held_.value();
  }
  [[nodiscard]] std::int64_t available() const {
    return limit_ - held();
  }

 private:
  friend class Charge;
  const std::int64_t limit_;
  StripedSum held_;
};

/// Bytes taken from a Credit, given back when this ends: wherever its owner is dropped, a dead
/// mailbox included. The Credit outlives it.
class Charge {
 public:
  Charge() = default;
  explicit Charge(Credit& credit) : credit_{&credit} {}
  Charge(Charge&& other) noexcept
      : credit_{std::exchange(other.credit_, nullptr)}, bytes_{std::exchange(other.bytes_, 0)} {}
  Charge& operator=(Charge&& other) noexcept {
    if (this != &other) {
      release();
      credit_ = std::exchange(other.credit_, nullptr);
      bytes_ = std::exchange(other.bytes_, 0);
    }
    return *this;
  }
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;
  ~Charge() {
    release();
  }

  void add(std::int64_t bytes) {
    if (credit_ != nullptr) {
      credit_->held_.add(bytes);
      bytes_ += bytes;
    }
  }
  /// Takes over what `other`, of the same Credit, has: many things are given back at once.
  void absorb(Charge&& other) {
    assert(credit_ == nullptr || other.bytes_ == 0 || credit_ == other.credit_);
    if (credit_ == nullptr) {
      *this = std::move(other);
    } else {
      bytes_ += std::exchange(other.bytes_, 0);
    }
  }
  [[nodiscard]] std::int64_t bytes() const {
    return bytes_;
  }

 private:
  void release() {
    if (credit_ != nullptr && bytes_ != 0) {
      credit_->held_.take(bytes_);
      bytes_ = 0;
    }
  }

  Credit* credit_ = nullptr;
  std::int64_t bytes_ = 0;
};

}  // namespace alluvium::pipeline
