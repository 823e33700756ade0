"""One face: found, aligned, measured, steadied, its background and light. A library that reads no flag."""
