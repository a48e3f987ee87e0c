"""By how many seconds a job may be off its time, whatever it is."""

EARLY_S = 0.01  # clocks are read in milliseconds
LATE_S = 1.0  # that a job whose time has come may be late
BEGUN_S = 0.7  # from when a job is begun, when its limit begins to count, to its call of the service
