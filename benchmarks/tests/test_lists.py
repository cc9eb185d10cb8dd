"""What lists cost: the table, and that each list is one."""

import os
from string import Formatter

from benchmarks.lists import LISTS, Directory, _processor, arguments, measured


class Known(Directory):
    """A directory whose costs are known."""

    def __init__(self, here, there):
        self.cost = (here, there)

    def ask(self, name, calls):
        return self.cost


def test_a_thousand_and_a_million_are_the_default():
    read = arguments([])
    assert (read.users, read.write_readme) == ([1000, 1_000_000], False)


def test_the_table_has_each_list_with_both_shares_and_the_ratio():
    rows = measured({1000: Known(6.0, 1.0), 1_000_000: Known(6.0, 2.75)}, rounds=2, calls=1).splitlines()
    assert rows[2] == "| page 1 | 6.0 + 1.0 | 6.0 + 2.8 | 1.25 |"
    assert len(rows) == 2 + len(LISTS)


def test_every_value_in_a_path_is_one_that_the_asking_process_has():
    named = {name for path in LISTS.values() for _, name, _, _ in Formatter().parse(path) if name}
    assert named == {"cursor", "recent", "last", "middle", "pages", "offset"}


def test_the_processor_counts_this_process():
    assert _processor(os.getpid()) > 0
