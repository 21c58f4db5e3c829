"""Several pieces of work on one thread, each of which asks the server now and then: their questions go together.

Here belongs who goes on when. A question alone costs two processes being woken, which takes longer than the work; of
many that go together each costs next to nothing of that.
"""

from collections.abc import Callable, Sequence
from typing import Any

from greenlet import getcurrent, greenlet

from sms10692_mock.stores.valkey.node import Argument
from sms10692_mock.stores.valkey.nodes import Nodes, Question, Script


class _Piece(greenlet):
    """A piece of work, which is put aside while it waits for the answer to a question."""


class Pipeline:
    """Takes the questions of work that is done at once, and of any other, to the `nodes`."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def run(self, work: Script, keys: Sequence[bytes], *arguments: Argument) -> Any:
        """As `Nodes.run`. Whoever asks holds no lock: others may go on in the same thread until the answer is there."""
        piece = getcurrent()
        if not isinstance(piece, _Piece) or piece.parent is None:
            return self._nodes.run(work, keys, *arguments)
        answer = piece.parent.switch(Question(work, keys, arguments))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def at_once(self, works: Sequence[Callable[[], None]]) -> None:
        """Do pieces of work, none of which raises: each as far as its next question, and all the questions together."""
        pieces = [_Piece(work) for work in works]
        asking = [(piece, question) for piece in pieces if (question := piece.switch()) is not None]
        while asking:
            answers = self._answers([question for _, question in asking])
            asking = [
                (piece, question)
                for (piece, _), answer in zip(asking, answers, strict=True)
                if (question := piece.switch(answer)) is not None
            ]

    def _answers(self, questions: Sequence[Question]) -> Sequence[Any]:
        try:
            return self._nodes.run_each(questions)
        except Exception as error:  # for those who asked to raise: nobody else would ever go on with their work
            return [error] * len(questions)
