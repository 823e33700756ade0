"""What every room uses: errors, whole files, quiet starts and exit codes, progress, devices, pixels, thumbnails.

Knows no option, no record and no network. Reads no flag.
"""
