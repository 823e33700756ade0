"""What `python -m tools.benchmark` measures, a subject a module: libraries that read no flag."""
