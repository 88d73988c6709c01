// SPDX-License-Identifier: Apache-2.0
// The commands of the evaluation. Each takes its arguments from argv[1] on and returns the exit code:
// 0 done, 1 a file is bad, 2 wrong usage.
#pragma once

namespace alluvium::bench {

int run_selection(int argc, char** argv);
int run_score_cost(int argc, char** argv);
/// 1 also if a pair that says different things was merged.
int run_dedupe(int argc, char** argv);

}  // namespace alluvium::bench
