# SPDX-License-Identifier: Apache-2.0
"""What bench/run, bench/compare and bench/plot are made of (docs/benchmarks.md)."""
