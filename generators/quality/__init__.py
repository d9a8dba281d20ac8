"""How good fakes are and whether a run goes wrong: distances on one network's features, alarms, curves and sheets."""
