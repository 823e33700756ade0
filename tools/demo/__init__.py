"""The demo: a public-domain portrait that moves by known amounts, for a try of everything without a camera.

Knows faces and moving pictures. Must not know sets, runs or networks. Reads no flag.
"""
