"""A whole set of records: who is in it, what is kept and why, how the work is spread, what it is worth.

Knows material and faces. Must not know networks. Reads no flag.
"""
