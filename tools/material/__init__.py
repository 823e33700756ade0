"""Where pictures come from and go to: files, folders, zips, videos, addresses; moving pictures written.

Knows pictures, their keys, orders and times. Must not know what is in them. Reads no flag.
"""
