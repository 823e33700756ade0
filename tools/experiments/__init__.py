"""The experiments of the report, done again: trained, measured, judged.

Knows training and evaluation. Must not know avatars. Reads no flag.
"""
