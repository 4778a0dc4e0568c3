"""The parts of benchmarks/run.py and benchmarks/experts.py."""
