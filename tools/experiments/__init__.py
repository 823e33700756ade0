"""What `python -m tools.reproduce` does: the report's experiments, trained, measured and judged; reads no flag."""
