// SPDX-License-Identifier: Apache-2.0
// Named points at which a test lets the process die, freeze or fail. They exist in builds with
// ALLUVIUM_FAILPOINTS only; in all others failpoint() is nothing. Here, since all rooms can see it:
// nothing in pipeline/ itself has one.
#pragma once

#ifdef ALLUVIUM_FAILPOINTS
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <stdexcept>
#include <string>
#endif

namespace alluvium::pipeline {

#ifdef ALLUVIUM_FAILPOINTS

/// ALLUVIUM_FAILPOINT="store.after_commit=kill:3,kafka.release=stop:1": at its third hit the first one does
/// kill -9 on the process, at its first hit the second one freezes it (SIGSTOP). `throw` throws a
/// std::runtime_error. Any thread.
inline void failpoint(const char* name) {
  struct Point {
    std::string name, action;
    std::atomic<long> hits_left;
  };
  static std::deque<Point> points = [] {
    std::deque<Point> found;
    const char* text = std::getenv("ALLUVIUM_FAILPOINT");
    std::string rest = text == nullptr ? "" : text;
    while (!rest.empty()) {
      const auto end = rest.find(',');
      const auto one = rest.substr(0, end);
      rest = end == std::string::npos ? "" : rest.substr(end + 1);
      const auto equals = one.find('=');
      const auto colon = one.find(':');
      if (equals != std::string::npos && colon != std::string::npos) {
        found.emplace_back(one.substr(0, equals), one.substr(equals + 1, colon - equals - 1),
                           std::atol(one.c_str() + colon + 1));
      }
    }
    return found;
  }();
  for (auto& point : points) {
    if (point.name != name || --point.hits_left != 0) {
      continue;
    }
    std::fprintf(stderr, "failpoint %s: %s\n", name, point.action.c_str());
    if (point.action == "kill") {
      std::raise(SIGKILL);
    } else if (point.action == "stop") {
      std::raise(SIGSTOP);
    } else {
      throw std::runtime_error{std::string{"failpoint "} + name};
    }
  }
}

#else

constexpr void failpoint(const char* /*name*/) {}

#endif

}  // namespace alluvium::pipeline
