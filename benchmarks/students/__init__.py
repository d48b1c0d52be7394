"""What the small protocols of all trainings of students share; digits, no download, minutes on a CPU.

``pictures``  digits, canvases with several labels, canvases with masks, turned and inverted digits
``nets``      the networks that teach, as plain modules: ``NetSpec("lenet", (16, 32, 64))``
``teaching``  ``teacher(net, pictures, seed=0)``: trained with labels, exported, kept between runs
``scenes``    ``Scene``: teachers, student, evaluation set, images; ``of_method`` runs a method on one
``published_adversary``  the published loop of adversarial distillation, reimplemented, to compare with
``anchors``   what every method stands beside: ``supervised``, ``kd_real``, ``kd_noise``,
              ``kd_untrained``
``protocol``  ``StudyRow``, ``StudyTable``, ``Study`` and ``main``: seeds by rows, resumable, into the page

A protocol in full:

    def _scene(seed: int) -> Scene:
        split = digits()
        net = NetSpec("lenet", (16, 32, 64))
        digit_teacher = teacher(net, split.train, name="digits", seed=seed)
        student = Student(architecture=StudentArchitecture.LENET, width=8)
        return Scene((digit_teacher,), student, split.test.evaluation_set, split.train)

    def _row(seed: int) -> Numbers:
        return of_method(run, SomeParams(seed=seed), _scene(seed))      # with_images(...) for data

    ROWS = (
        StudyRow("supervised", "supervised", lambda seed: supervised(_scene(seed), seed=seed)),
        StudyRow("ours", "**ours**", _row),
    )
    TABLE = StudyTable("main", ROWS, (Column("accuracy", "accuracy"),), words="...")
    if __name__ == "__main__":
        main(Study("some_method", (TABLE,)))

and ``python -m benchmarks.some_method --seeds 0 1 2 [--rows ours …]`` adds to
docs/results/some_method.json and writes the table between ``<!-- measured: main -->`` and
``<!-- end -->`` of docs/methods/some_method.md.
"""
