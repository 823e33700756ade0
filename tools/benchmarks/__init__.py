"""What `python -m tools.benchmark` measures, a subject a module: speed, as ratios taken side by side.

Knows everything, and nobody knows it. Reads no flag.
"""
