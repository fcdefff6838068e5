"""Lines of many processes stay whole and carry their names."""

from __future__ import annotations

import io

from apps.common.launcher.output import Output


def test_chunks_are_cut_into_whole_lines_with_the_name_of_their_process() -> None:
    target = io.StringIO()
    stream = Output(target).stream("worker")

    stream.feed(1, b"first li")
    stream.feed(1, b"ne\nsecond line\n\nthi")
    assert target.getvalue() == "worker    | first line\nworker    | second line\n"
    stream.flush(1)
    assert target.getvalue().endswith("worker    | thi\n")


def test_processes_of_one_program_do_not_cut_into_each_others_lines() -> None:
    target = io.StringIO()
    stream = Output(target).stream("worker")

    stream.feed(1, b"the first ")
    stream.feed(2, b"the second is whole\nits rest")
    stream.feed(1, b"is whole\n")
    stream.flush(2)

    assert target.getvalue().splitlines() == [
        "worker    | the second is whole",
        "worker    | the first is whole",
        "worker    | its rest",
    ]


def test_bytes_that_are_no_text_do_not_stop_the_output() -> None:
    target = io.StringIO()

    Output(target).stream("web").feed(1, b"caf\xe9\n")

    assert target.getvalue() == "web       | caf\ufffd\n"


def test_colours_are_for_terminals_only() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    output = Output(terminal)
    output.line("web", "up")
    output.line("worker", "up")

    first, second = terminal.getvalue().splitlines()
    assert first.startswith("\x1b[")
    assert first.partition("web")[0] != second.partition("worker")[0]
