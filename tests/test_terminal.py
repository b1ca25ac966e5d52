# SPDX-License-Identifier: MIT
"""What the terminal shows of a run: a line a job with the time left, one sentence for a failure or Ctrl-C."""

import io
import logging

import pytest

from mvi.files import write_sealed
from mvi.report.plain import plain
from mvi.workflow.config import resolve
from mvi.workflow.plan import Plan
from mvi.workflow.progress import Progress, costs
from mvi.workflow.summary import at_end, of_runs, of_targets
from mvi.workflow.terminal import STOPPED, reason, take_over


class Clock:
    """Seconds that a test lets pass."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def said(clock):
    """Send a message as Snakemake does; get what the terminal shows of it."""
    logger = logging.Logger("snakemake")
    stream, log = io.StringIO(), io.StringIO()
    for name, one in (("DefaultStreamHandler", stream), ("DefaultLogFileHandler", log)):
        handler = logging.StreamHandler(one)
        handler.name = name
        logger.addHandler(handler)
    take_over(logger, Progress({"train": 8}, clock), lambda: ["| a table |", "its/path.md"])

    def send(message, level=logging.INFO, **fields) -> str:
        stream.seek(stream.truncate(0))
        logger.log(level, message, extra=fields)
        return stream.getvalue()

    return send


def job(number: int, rule: str, message: str | None = "Training it") -> dict:
    return {"event": "job_info", "jobid": number, "rule_name": rule, "rule_msg": message}


def failure(number: int, rule: str, *logs: str, **aux: str) -> dict:
    return {"event": "job_error", "jobid": number, "rule_name": rule, "log": logs, "aux": aux}


def test_a_job_is_a_line_with_what_is_done_and_the_time_left(said, clock):
    assert said("Job stats: ...", event="run_info", stats={"store": 2, "train": 2, "total": 4}) == "4 jobs\n"
    assert said(" Rule: store", **job(1, "store", "Making it")) == "0 of 4: making it\n"
    clock.now = 30
    assert said("Finished", event="job_finished", job_id=1) == ""
    # 30 s for one unit of 18: another 30 s, and twice eight times as long.
    assert said(" Rule: store", **job(2, "store")) == "1 of 4, about 8 minutes left: training it\n"
    clock.now = 60
    said("Finished", event="job_finished", job_id=2)
    said(" Rule: train", **job(3, "train"))
    clock.now = 120
    said("Finished", event="job_finished", job_id=3)
    # The other training is now judged by this one, and no more by the guess.
    assert said(" Rule: train", **job(4, "train")) == "3 of 4, about 1 minute left: training it\n"
    assert said(" Rule: all", **job(5, "all", None)) == ""


def test_two_jobs_at_a_time_take_half_the_time(clock):
    progress = Progress({}, clock)
    progress.plan({"train": 4, "total": 4})
    for number in (1, 2):
        progress.start(number, "train")
    clock.now = 600
    for number in (1, 2):
        progress.finish(number)
    assert str(progress) == "2 of 4, about 10 minutes left"
    for number in (3, 4):
        progress.start(number, "train")
        progress.finish(number)
    assert str(progress).startswith("4 of 4, less than a minute")


def test_messages_of_no_use_are_in_the_log_alone(said):
    for text in ("Building DAG of jobs...", "Using shell: /bin/bash", "host: here"):
        assert said(text) == ""
    assert said("Unlocked working directory.") == "Unlocked working directory.\n"
    said("Job stats", event="run_info", stats={"train": 4, "total": 4})
    for text in ("Select jobs to execute...", "Complete log(s): x"):
        assert said(text) == ""
    assert said("1 of 4 steps done", event="progress", done=1, total=4) == ""
    assert said("no lock", logging.WARNING) == "no lock\n"


def test_where_nothing_is_to_be_done_the_run_ends_as_any_other(said):
    text = "Nothing to be done (all requested files are present and up to date)."
    assert said(text) == f"{text}\n| a table |\nits/path.md\n"


def test_a_failure_names_the_job_and_its_log_once(said):
    said("Job stats", event="run_info", stats={"train": 1, "total": 1})
    said("", **job(1, "train", "Training mp of digits, seed0"))
    command = "RuleException:\nCalledProcessError in file 'x': Command 'python' returned non-zero exit status"
    assert said(command, logging.ERROR, event="error", exception="RuleException") == ""
    # The job has said itself what was wrong.
    assert said("Error", logging.ERROR, **failure(1, "train", "a/seed0.log")) == (
        "Failed: training mp of digits, seed0.\nIts log: a/seed0.log\n"
    )
    last = "WorkflowError:\nAt least one job did not complete successfully."
    assert said(last, logging.ERROR, event="error", exception="WorkflowError") == ""
    assert said("WorkflowError:\nno disk", logging.ERROR, event="error") == "WorkflowError:\nno disk\n"


def test_what_a_job_elsewhere_said_is_taken_from_its_log(said, tmp_path):
    log = tmp_path / "job.log"
    log.write_text("2026 INFO rule train\n2026 ERROR lower the learning rate.\n")
    shown = said("Error", logging.ERROR, **failure(1, "train", str(log), external_jobid="7"))
    assert shown == f"Failed: train: lower the learning rate.\nIts log: {log}\n"
    assert reason([]) == "it said nothing."
    assert reason(["Traceback", "KeyError: 'x'"]).endswith("Traceback\nKeyError: 'x'")


def test_ctrl_c_is_one_sentence_whatever_follows(said):
    assert said("Terminating processes on user request, this might take some time.") == f"{STOPPED}\n"
    assert said("Error", logging.ERROR, **failure(1, "train")) == ""
    assert said("At least one job did not complete successfully.", logging.ERROR) == ""


def test_only_the_terminal_is_taken_over_and_what_is_quiet_stays_so():
    logger, log = logging.Logger("snakemake"), io.StringIO()
    quiet = logging.StreamHandler(io.StringIO())
    quiet.name = "DefaultStreamHandler"
    quiet.addFilter(lambda record: False)
    file = logging.StreamHandler(log)
    logger.handlers = [quiet, file]
    take_over(logger, Progress({}))
    logger.warning("heard")
    assert log.getvalue() == "heard\n" and quiet.stream.getvalue() == ""
    # A handler of another kind, such as of a logger plugin, is left alone.
    logger.handlers = [file]
    take_over(logger, Progress({}))
    assert logger.handlers == [file]


def test_jobs_cost_what_their_sizes_say():
    def cost(**settings):
        base = {"extends": "mini-default", **settings}
        return costs(Plan(resolve({"runs": {"own": base}})).runs.values())

    one, many = cost(), cost(joint={"training": {"epochs": 200}})
    assert many["train_joint"] > 5 * one["train_joint"] and many["finetune"] == one["finetune"]
    assert one["describe_block"] > 10
    assert set(costs(Plan(resolve({"runs": ["digits-default"]})).runs.values())) == {"train_joint"}
    # Methods with a schedule of their own, or without any.
    assert costs(Plan(resolve({"runs": ["mini-rivals"]})).runs.values())["train_joint"] > 3


# -- the end --------------------------------------------------------------------------------------------

TABLE = """**Table 1.** What it is.
Bold: best. More.

| Model                                    |        left | right | seeds |
| ---------------------------------------- | ----------: | ----: | ----: |
| A long label that says a great deal of it | **1.98** ± 0.1 | 2.0 | 3 |
| B                                        | 11.00 ± 0.2 | **1.0** | 3 |
"""


def test_a_table_that_fits_is_whole_with_a_star_for_the_best():
    lines = plain(TABLE).splitlines()
    assert lines[:2] == ["Table 1. What it is.", "Starred: best. More."]
    assert lines[2].split() == ["Model", "left", "right", "seeds"]
    assert "1.98* ± 0.1" in lines[4] and lines[5].endswith("11.00 ± 0.2    1.0*      3")
    assert plain(TABLE, rest=False).splitlines()[1].startswith("Model")


@pytest.mark.parametrize("width", [100, 70, 66, 60, 50, 40, 30])
def test_no_line_is_wider_than_asked_and_what_is_missing_is_said(width):
    lines = plain(TABLE, width).splitlines()
    assert max(map(len, lines)) <= width
    text = " ".join(lines)
    assert ("± 0.1" in text) == ("standard deviations" not in text)
    assert ("right" in text.split("---")[0]) == ("more column" not in text)


def test_labels_are_cut_before_columns_are():
    text = plain(TABLE, 50)
    assert "…" in text and "1.0*" in text and "±" not in text


def test_the_end_shows_findings_the_main_table_and_where_pages_are(tmp_path, monkeypatch):
    plan = Plan(resolve({"runs": ["digits-default", "theory"]}))
    monkeypatch.chdir(tmp_path)
    assert list(of_runs(plan)) == [""]
    for name in ("digits-default", "theory"):
        folder = tmp_path / "results" / name
        folder.mkdir(parents=True)
        (folder / "findings.txt").write_text(f"{name} 1\n{name} 2\n{name} 3\n")
        (folder / "report.html").write_text("")
    write_sealed("results/digits-default/tables/table1.md", TABLE.encode())
    lines = "\n".join(of_runs(plan)).splitlines()
    assert lines[:3] == ["digits-default", "  digits-default 1", "  digits-default 2"]
    # Five in all, of both.
    assert lines[3:7] == ["  digits-default 3", "theory", "  theory 1", "  theory 2"]
    assert "Table 1. What it is." in lines and "Starred: best. More." not in lines
    assert lines[-2:] == ["results/digits-default/report.html", "results/theory/report.html"]
    shown = list(of_targets(plan, ["table1"]))
    assert "Starred: best. More." in shown[0] and shown[-1] == "results/digits-default/tables/table1.md"
    assert at_end(plan, {"table1"}) == shown and at_end(plan, set()) == list(of_runs(plan))
    assert at_end(plan, {"all"}) == at_end(plan, set()) and at_end(plan, {"results/some/file.csv"}) == []
    (folder.parent / "digits-default/tables/table1.md").write_text("cut short")
    (said,) = at_end(plan, {"table1"})
    assert "table1.md is cut short" in said
