"""From a source to a set of records, and what it is worth: a library that reads no flag."""
