"""Benchmarks: the hub's steps beside a plain Python loop that does the same work ungoverned, interleaved in one run, as ratios of medians."""
