"""From any picture of a person to one aligned face: a library that reads no flag."""
