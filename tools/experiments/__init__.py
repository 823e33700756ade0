"""The experiments of the report, done again: trained, measured, judged.

Knows training and evaluation. Must not know avatars. Reads no flag. All that is said of experiment N alone stands in
`experimentN_….py`, and what only its page shows in the template of that name; the other files are shared.
"""
