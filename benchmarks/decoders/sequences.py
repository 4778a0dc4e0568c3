"""What a decoder is to the suite: sequences whose caches a run of tokens extends."""


class Sequences:
    """As many sequences as `batch`, all of one length, whose keys and values the runtime keeps between runs.

    Runs are made ready beforehand, so that next to no time of Python is charged to a runtime."""

    def prepare(self, ids, past):
        """A function that runs token ids [batch, new] behind `past` tokens of each sequence. The
        caches must have as many when it is called."""
        raise NotImplementedError

    def cut(self, length):
        """Keeps the first `length` tokens of each sequence; takes next to no time."""
        raise NotImplementedError

    def logits(self):
        """A copy of the logits [batch, vocabulary] of each sequence's last token in the last run."""
        raise NotImplementedError

    def facts(self):
        """What else is stored beside its times."""
        return {}
