"""How good a trained generator is: what is measured, the verdict, the page.

Knows a finished run by its folder. Must not know how it was trained. Reads no flag.
"""
