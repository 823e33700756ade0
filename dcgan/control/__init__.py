"""What moves a face, as numbers by name: their names, a person's range of each, their course over time.

Knows names, numbers and times, a run's places, and what records tell of faces. Must not know pictures or where faces
come from. A training arranges places by it and keeps it with the run.
"""
