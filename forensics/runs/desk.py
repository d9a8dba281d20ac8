"""What a run decides of each file: the same as before, a copy of another one, to be examined, to be tried again.

Files inside containers are met when they are found. A container's result is kept when all files in it have theirs: a
run that is cut off before opens it again, and knows by their hashes which of them it had examined.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forensics.batch import result_of
from forensics.errors import MediaError
from forensics.messages import Answer, Opened, Task
from forensics.pool import Outcome
from forensics.recall import Recall
from forensics.runs.walk import inside_key, is_missing
from forensics.runs.work import Ended, Enter, Tell, Work
from forensics.store.run_files import RunFiles
from forensics.store.run_words import EXAMINED, Ending, FileState, RunFile, Seen
from forensics.versions import digest

MAX_TRIES = 2

MAX_OPENINGS = 2
"""A container is opened once more for the sake of files in it that failed: not once for each of them."""

NOT_FOUND_AGAIN = "it holds the same bytes as another file that could not be examined, and was gone after that"


class Desk:
    """The files that wait or are under way.

    Args:
        files: of the run.
        recall: what keeps reports.
        n_pass: of the walk.
        folder: for reports as pages; None writes none.
        versions_digest: of what examines files now.
        enter: enters files that were found inside containers.
        is_new_pass: what has not changed is *unchanged*; in a pass that goes on it stands as it stood.
        tell: hears of what happens.

    Attributes:
        n_gone: files of which it came up that they are gone.
    """

    def __init__(
        self,
        files: RunFiles,
        recall: Recall,
        *,
        n_pass: int,
        folder: Path | None,
        versions_digest: str,
        enter: Enter,
        is_new_pass: bool,
        tell: Tell,
    ) -> None:
        self.is_new_pass = is_new_pass
        self.n_gone = 0
        self._n_pass = n_pass
        self._versions = versions_digest
        self._files = files
        self._recall = recall
        self._folder = folder
        self._enter = enter
        self._tell = tell
        self._work: dict[Task, Work] = {}
        self._outermost: dict[str, Work] = {}
        self._holders: dict[str, Task] = {}
        self._later: dict[str, list[Work]] = {}
        self._again: list[Task] = []

    def lay(self, task: Task, seen: Seen, file: RunFile) -> Task:
        """Put a file of the walk on the desk."""
        work = Work(task, seen, file, file.n_tries)
        self._work[task] = self._outermost[task.shown] = work
        return task

    def decide(self, task: Task, opened: Opened) -> Answer:
        """What to do with an opened file: for `Pool.run`."""
        work, versions = self._found(task), digest(opened.versions)
        self._let_go(work)
        work.sha256, work.verdict = opened.sha256, ""
        if opened.sha256 == work.file.sha256 and versions == work.file.versions_digest:
            work.verdict = "unchanged"
        elif opened.sha256 in self._holders:
            work.verdict = "later"
        elif twin := self._twin(work, versions):
            work.verdict, work.twin = "twin", twin
        else:
            self._holders[opened.sha256] = task
            return self._recall.decide(task, opened)
        return Answer(scan=False)

    def _twin(self, work: Work, versions: str) -> RunFile | None:
        """Another file of the same content that has a result. If only one that is gone had, this one was moved."""
        while (twin := self._files.twin(work.sha256, versions, but=work.file.id)) is not None:
            if twin.state is FileState.GONE:
                work.verdict = "moved"
                return None
            n_gone = self._files.leave_missing(twin, self._n_pass, is_missing)
            if not n_gone:
                return twin
            self.n_gone += n_gone
        return None

    def ended(self, outcome: Outcome) -> list[Ended]:
        """Keep what became of a file.

        Returns:
            All files that have a result by that: none when it has to wait, more where others waited for it.
        """
        work = self._found(outcome.task)
        if outcome.error is not None and outcome.report is None and self._tries_again(work, outcome.error.code):
            return []
        if outcome.error is None and work.verdict == "later":
            work.outcome = outcome
            self._later.setdefault(work.sha256, []).append(work)
            return []
        container = self._container(work)
        if outcome.account is not None:
            (container or work).n_expected += outcome.account.n_files
        if outcome.account is not None and container is None:
            work.outcome = outcome
            return self._closed(work)
        return self._kept(work, outcome)

    def end_of_round(self) -> tuple[list[Ended], list[Task]]:
        """When the workers have nothing left to do.

        Returns:
            Files that have a result by that, and those to examine once more.
        """
        ended: list[Ended] = []
        for work in list(self._outermost.values()):
            if work.has_failed_inside and work.task not in self._again:
                self._again.append(work.task)
            elif work.outcome is not None and work.verdict != "later" and not self._waits(work):
                ended += self._kept(work, work.outcome)
        again = self._taken_again()
        if not again:
            for waiting in self._later.values():
                ended += [one for work in waiting for one in self._left_over(work)]
            self._later = {}
            again = self._taken_again()
        return ended, again

    def _found(self, task: Task) -> Work:
        """A file on the desk; one that was found inside a container is laid there now."""
        if task not in self._work:
            container = self._outermost[task.container]
            number = container.names[task.shown]
            container.names[task.shown] += 1
            seen = Seen(inside_key(task, number), task.shown, None, None, container.seen.modified_at)
            (file,) = self._enter([seen], container.file.id).waiting
            self._work[task] = Work(task, seen, file, file.n_tries)
        return self._work[task]

    def _container(self, work: Work) -> Work | None:
        return self._outermost[work.task.container] if work.task.container else None

    def _tries_again(self, work: Work, code: str) -> bool:
        work.n_tries += 1
        container = self._container(work)
        if code not in MediaError.RETRIED or work.n_tries >= MAX_TRIES:
            return False
        if container is not None and container.n_openings >= MAX_OPENINGS:
            return False
        self._files.failed_once(work.file.id)
        self._recall.finish(work.task)
        self._tell("retry", {"path": work.task.shown, "error_code": code})
        if container is None:
            self._again.append(work.task)
        else:
            # Its scratch file is gone: the container has to be opened again.
            container.has_failed_inside = True
            container.n_inside += 1
            self._let_go(work)
            del self._work[work.task]
        return True

    def _taken_again(self) -> list[Task]:
        """What is to be examined once more; a container as if it had not been opened yet."""
        again, self._again = self._again, []
        for task in again:
            work = self._work[task]
            work.n_openings += 1
            work.n_inside = work.n_expected = 0
            work.names.clear()
            work.outcome, work.has_failed_inside = None, False
            for sha256, waiting in self._later.items():
                # They are found again.
                for one in waiting:
                    if one.task.container == task.shown:
                        self._work.pop(one.task)
                self._later[sha256] = [one for one in waiting if one.task.container != task.shown]
        return again

    def _waits(self, container: Work) -> bool:
        """Whether a file in it waits for the result of another one."""
        return any(one.task.container == container.task.shown for waiting in self._later.values() for one in waiting)

    def _closed(self, container: Work) -> list[Ended]:
        """Keep a container, if all files in it have ended."""
        is_open = container.n_inside != container.n_expected or container.has_failed_inside
        return [] if is_open or container.outcome is None else self._kept(container, container.outcome)

    def _kept(self, work: Work, outcome: Outcome) -> list[Ended]:
        """Keep the result of a file, and of those that waited for it."""
        if outcome.error is None and work.verdict == "unchanged":
            ended = self._unchanged(work)
            kept = self._ending(work, ended, outcome, duplicate_of=work.file.duplicate_of)
        elif outcome.error is None and work.verdict == "twin" and work.twin is not None:
            ended = self._copy(work, work.twin)
            kept = self._ending(work, ended, outcome, duplicate_of=work.twin.duplicate_of or work.twin.id)
        else:
            result = result_of(outcome, self._recall, self._folder)
            state = FileState.FAILED if result.is_error else FileState.DONE if result.report else FileState.CONTAINER
            if self.is_new_pass and work.verdict == "moved" and result.cached:
                state = FileState.UNCHANGED
            ended = Ended(work.file, state, result.to_line(), result)
            kept = self._ending(work, ended, outcome)
        self._files.finish(work.file.id, kept)
        self._let_go(work)
        del self._work[work.task]
        container = self._container(work)
        if container is None:
            self._outermost.pop(work.task.shown, None)
        self._tell("file", {"path": work.task.shown, "state": str(ended.state), **_told(ended.line)})
        all_ended = [Ended(work.file, ended.state, dict(kept.line), ended.result, ended.is_old)]
        for copy in self._later.pop(kept.sha256, []) if work.verdict != "unchanged" else ():
            assert copy.outcome is not None
            copy.verdict, copy.twin = "twin", self._files.twin(kept.sha256, kept.versions_digest, but=copy.file.id)
            all_ended += self._kept(copy, copy.outcome) if copy.twin is not None else self._left_over(copy)
        if container is not None:
            container.n_inside += 1
            all_ended += self._closed(container)
        return all_ended

    def _left_over(self, work: Work) -> list[Ended]:
        """The file whose result it was to share has none."""
        outcome, work.outcome, work.verdict = work.outcome, None, ""
        assert outcome is not None
        if not work.task.container:
            self._again.append(work.task)
            return []
        gone = MediaError("unreadable", NOT_FOUND_AGAIN)
        return self._kept(work, Outcome(work.task, outcome.opened, None, {}, outcome.sha256, gone, outcome.elapsed_s))

    def _unchanged(self, work: Work) -> Ended:
        line = self._files.line(work.file.id)
        state = FileState(line["state"])
        if self.is_new_pass and not work.file.was_met and state in EXAMINED:
            state = FileState.UNCHANGED
        return Ended(work.file, state, line, None, is_old=True)

    def _copy(self, work: Work, twin: RunFile) -> Ended:
        own = {"path": work.task.shown, "container": work.task.container or None}
        line = self._files.line(twin.id) | own | {"duplicate_of": twin.path, "elapsed_s": 0.0}
        state = FileState.DUPLICATE if line["status"] == "ok" else FileState.FAILED
        return Ended(work.file, state, line, None)

    def _ending(self, work: Work, ended: Ended, outcome: Outcome, *, duplicate_of: int | None = None) -> Ending:
        opened, line = outcome.opened, ended.line
        notes = [f"analyzer {name}" for name in line["failed"]]
        notes += ["cut-short"] * bool(line["cut_short"])
        notes += ["no-page"] * (line["status"] == "ok" and line["error"] is not None)
        return Ending(
            state=ended.state,
            seen=work.seen,
            sha256=outcome.sha256,
            versions_digest=self._versions if opened is None else digest(opened.versions),
            line={"duplicate_of": None} | line | {"state": str(ended.state), "modified_at": work.seen.modified_at},
            duplicate_of=duplicate_of,
            notes=tuple(notes),
        )

    def _let_go(self, work: Work) -> None:
        """Of the content that others wait for."""
        if self._holders.get(work.sha256) == work.task:
            del self._holders[work.sha256]


def _told(line: dict[str, Any]) -> dict[str, Any]:
    names = ("sha256", "verdict", "llr", "error_code", "error", "duplicate_of", "elapsed_s")
    return {name: line[name] for name in names if line.get(name) is not None}
