"""What the key `benchmark` takes: the one place where the product knows this wing."""

from eelsunmix.benchmark.labels import reserved_label_fault
from eelsunmix.benchmark.options import BenchmarkOptions, default_methods

__all__ = ["BenchmarkOptions", "default_methods", "reserved_label_fault"]
