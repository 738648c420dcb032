"""The commands: words into a configuration, sources, a butler and one run."""
