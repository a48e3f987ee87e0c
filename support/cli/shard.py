"""The option --shard K/N, the same for runs and for proofs."""

import argparse

from support.run.shares import Share, share


def shard_option(text: str) -> Share:
    """The share that the command line names. Raises ArgumentTypeError with the mend."""
    try:
        return share(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
