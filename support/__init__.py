"""What the features stand on: containers, clients, probes, faults, the ledger and the reference platform."""
