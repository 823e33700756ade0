"""One face: found, aligned, measured, steadied, its background and light.

Knows one picture at a time, and MediaPipe. Must not know where it comes from. Reads no flag.
"""
