"""Rules that each piece of a catalogue keeps, whoever wrote it."""
