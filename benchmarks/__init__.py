"""How fast bounceclass reads and judges, beside other readers of bounces in the same run: `python -m benchmarks`."""
