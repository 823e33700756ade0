"""What moves a face, as numbers by name: their names, a person's range of each, their course over time.

Knows names, numbers and times, and NumPy. Must not know pictures or where faces come from. Only `tools` sees it.
"""
