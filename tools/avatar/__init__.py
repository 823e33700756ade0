"""One's own avatar in one command: expressions chosen, animated, and the whole way to them; reads no flag."""
