"""The suite's own errors: one flat family, none of which ever blames the target.

A target that breaks a promise is an `AssertionError` and nothing else; everything here ends as the verdict
`unknown`. A message says what was expected, what was seen, how long it waited and what mends it.
"""


class SuiteError(Exception):
    """Anything that kept the suite from telling; the parent of all below."""


class EngineError(SuiteError):
    """The container engine cannot be reached, or it refused."""


class ImageError(SuiteError):
    """An image could not be had by any of the ways that were open."""


class FleetError(SuiteError):
    """A container did not start, did not become ready, died, or does not fit the machine."""


class FaultError(SuiteError):
    """A fault did not take hold, or was not healed."""


class ProbeError(SuiteError):
    """A look from a second place got no answer, or this machine lacks what a client needs to ask."""


class AdapterError(SuiteError):
    """The adapter of the platform is absent, or does not do its part: a bug of the adapter, not of the platform."""


class PlatformError(SuiteError):
    """The description of a platform is wrong; the message names the file, the key and the mend."""


class SelectionError(SuiteError):
    """The command line selects nothing, or names a tag or a feature that does not exist."""


class FeatureTagError(SuiteError):
    """A feature's own tags are incomplete or contradict each other."""


class MutantError(SuiteError):
    """A mutant's entry is wrong, or does not apply to the source that it changes; the message names the mend."""


class LedgerError(SuiteError):
    """The reports folder cannot be written."""
